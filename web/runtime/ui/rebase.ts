import type { Row } from "@matrixos/sdk";

/** rebase has a form that met a clash go on from the row as it is now: what was typed stays, and saving again saves it. */
export const rebase =
  (set: (row: Row) => void) =>
  (error: Error & { clash?: { theirs: Row } }): never => {
    if (error.clash) set(error.clash.theirs);
    throw error;
  };
