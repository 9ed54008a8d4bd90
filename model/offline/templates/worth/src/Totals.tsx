import { formatValue, useRows, type Field } from "@matrixos/sdk";
import { Stat, Stats } from "@matrixos/ui";

/** How many there are, and what they are worth together. */
export default function Totals({ fields }: { fields: Field[] }) {
  const { rows } = useRows("__TABLE__");
  const price = fields.find((field) => field.name === "__PRICE__");
  const pieces = (row: { [column: string]: any }) => __PIECES__;
  const count = rows.reduce((sum, row) => sum + pieces(row), 0);
  const worth = rows.reduce((sum, row) => sum + pieces(row) * (row["__PRICE__"] ?? 0), 0);
  return (
    <Stats>
      <Stat label="__COUNT_LABEL__" value={String(count)} />
      <Stat label="__WORTH_LABEL__" value={price ? formatValue(worth, { ...price, type: "money" }) : String(worth)} />
    </Stats>
  );
}
