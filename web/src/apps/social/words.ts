// How circles are called. Pure.

const titles: Record<string, string> = { public: "Everybody", friends: "Friends", family: "Family" };

/** circleTitle is how a circle is called. */
export const circleTitle = (name: string): string => titles[name] ?? name.charAt(0).toUpperCase() + name.slice(1);

/** circleHint says who sees what is posted there. */
export const circleHint = (name: string): string => (name === "public" ? "Anybody may follow and read this." : "Only those whom you invite read this. It is encrypted.");

