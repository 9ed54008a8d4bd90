// @matrixos/sdk: the system as an app uses it. See agents/knowledge/apps.md of a home.
export { os } from "./os.ts";
export { useRows, useValue } from "./rows.ts";
export type { Rows } from "./rows.ts";
export { personName, useConflict, useRoom, useRooms } from "./rooms.ts";
export type { SharedRoom } from "./rooms.ts";
export { useUndo } from "./undo.ts";
export type { Undo } from "./undo.ts";
export { addDays, bucket, bucketLabel, isoDay, nextBucket, parseDay, today } from "./dates.ts";
export { currencyOf, defaultValue, exactValue, formatDuration, formatValue, isNumeric, labelOf, locale, searchRows, sortRows } from "./format.ts";
export { aggregate, groupRows, periods, sumBy } from "./group.ts";
export type { Group } from "./group.ts";
export type * from "./types.ts";
