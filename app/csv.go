package app

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"matrixos/sys"
)

// WriteCSV writes rows of a table with these columns: id first, then the columns by name, then the system's times.
func WriteCSV(to io.Writer, types map[string]string, rows []Row) error {
	columns := append(append([]string{"id"}, slices.Sorted(maps.Keys(types))...), "created_at", "updated_at")
	w := csv.NewWriter(to)
	if err := w.Write(columns); err != nil {
		return err
	}
	for _, row := range rows {
		line := make([]string, len(columns))
		for i, column := range columns {
			switch v := row[column].(type) {
			case nil:
			case string:
				line[i] = v
			default:
				raw, err := json.Marshal(v)
				if err != nil {
					return err
				}
				line[i] = string(raw)
			}
		}
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// ReadRows reads the rows of a table from a text of the form csv or json. A CSV names
// its columns in the first line, and empty cells are left out; JSON is a list of
// objects, or an object of such lists by table.
func ReadRows(form string, text []byte, table string, types map[string]string) (rows []json.RawMessage, err error) {
	switch form {
	case "csv":
		rows, err = readCSV(text, types)
	case "json":
		rows, err = readJSONRows(text, table)
	default:
		err = fmt.Errorf("the form is %q; it may be csv or json", form)
	}
	if err == nil && len(rows) == 0 {
		err = errors.New("it has no rows")
	}
	if err != nil {
		return nil, &sys.Error{Op: "read rows for", Path: table, Kind: sys.Invalid, Err: err, Hint: "export the table to see the form"}
	}
	return rows, nil
}

func readJSONRows(raw []byte, table string) (rows []json.RawMessage, err error) {
	if json.Unmarshal(raw, &rows) == nil {
		return rows, nil
	}
	var byTable map[string][]json.RawMessage
	if err := json.Unmarshal(raw, &byTable); err != nil {
		return nil, err
	}
	rows, ok := byTable[table]
	if !ok {
		return nil, fmt.Errorf("it has no table %s", table)
	}
	return rows, nil
}

// readCSV reads rows; a cell is read as the type of its column.
func readCSV(raw []byte, types map[string]string) ([]json.RawMessage, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))))
	head, err := r.Read()
	if err != nil {
		return nil, err
	}
	for _, column := range head {
		if _, ok := types[column]; !ok && !slices.Contains([]string{"id", "created_at", "updated_at"}, column) {
			return nil, fmt.Errorf("the table has no column %q; there are %s", column, strings.Join(slices.Sorted(maps.Keys(types)), ", "))
		}
	}
	var rows []json.RawMessage
	for {
		line, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		row := map[string]json.RawMessage{}
		for i, text := range line {
			if text != "" {
				row[head[i]] = cell(text, types[head[i]])
			}
		}
		out, err := json.Marshal(row)
		if err != nil {
			return nil, err
		}
		rows = append(rows, out)
	}
}

// cell is a cell as JSON; what does not fit its column stays text, which the system
// refuses with the column's name.
func cell(text, typ string) json.RawMessage {
	if typ == "boolean" {
		switch strings.ToLower(text) {
		case "true", "yes", "1":
			return json.RawMessage("true")
		case "false", "no", "0":
			return json.RawMessage("false")
		}
	}
	numeric := typ == "integer" || typ == "float"
	if _, err := strconv.ParseFloat(text, 64); err == nil && numeric && json.Valid([]byte(text)) || typ == "jsonb" && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	out, err := json.Marshal(text)
	if err != nil {
		return json.RawMessage("null") // a string always marshals
	}
	return out
}
