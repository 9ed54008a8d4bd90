import { Component, type ReactNode } from "react";
import { Button, Trouble } from "./controls.tsx";

interface Props {
  what: string; // that stands where it failed
  children: ReactNode;
}

/** Boundary keeps what fails inside from taking the rest of the desktop with it. */
export class Boundary extends Component<Props, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Trouble what={this.props.what} why={error.message} hint="Nothing of yours is touched. Open it again; if it fails again, the rest of the desktop goes on without it.">
        <Button onClick={() => this.setState({ error: null })}>Open it again</Button>
      </Trouble>
    );
  }
}
