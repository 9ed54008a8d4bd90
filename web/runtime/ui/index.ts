// @matrixos/ui: components that make a good app short. See agents/knowledge/apps.md of a home.
export { useValue as useStored } from "@matrixos/sdk";
export { chime, useInterval, useKeys, useNow, useSwipe, useWidth, type Direction } from "./base.tsx";
export { Board, type BoardProps } from "./board.tsx";
export { Calendar, type CalendarProps } from "./calendar.tsx";
export { Chart, type ChartProps } from "./chart.tsx";
export { Badge, Button, Checkbox, IconButton, Input, Key, Progress, Rating, Segmented, Select, Slider, TextArea } from "./controls.tsx";
export { Confirm, Dialog } from "./dialog.tsx";
export { FieldInput, Form } from "./form.tsx";
export { Icon } from "./icon.tsx";
export { App, Columns, Empty, Failure, Grid, Item, List, Section, Skeleton, Spacer, Stack, Stat, Stats, Tabs, useToast } from "./layout.tsx";
export { Alone, Leaderboard, RoomPeople, Shared, Standings } from "./together.tsx";
export { Tracker, type TrackerProps } from "./tracker.tsx";
