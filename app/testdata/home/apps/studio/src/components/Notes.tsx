export const Notes = ({ text }: { text: string }) => <pre>{text}</pre>;
