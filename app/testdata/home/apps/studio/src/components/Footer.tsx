export const Footer = ({ mode, same }: { mode: string; same: boolean }) => <footer>{mode} {same ? "same" : "different"}</footer>;
