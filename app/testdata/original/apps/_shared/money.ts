/** Shared by the finance apps. */
export const euro = (n: number): string => new Intl.NumberFormat("en-GB", { style: "currency", currency: "EUR" }).format(n);
