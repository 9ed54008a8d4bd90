import type { Field } from "@matrixos/sdk";
import { __IMPORTS__ } from "@matrixos/ui";
import list from "./fields.json";

const fields = list as Field[];

export default function __COMPONENT__() {
  return (
    <App title="__TITLE__">
      <Stack gap={24}>
__BODY__
      </Stack>
    </App>
  );
}
