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
// objects, or an object of such lists by table. With each row comes the line of the text
// on which it begins, from 1.
func ReadRows(form string, text []byte, table string, types map[string]string) (rows []json.RawMessage, lines []int, err error) {
	switch form {
	case "csv":
		rows, lines, err = readCSV(text, types)
	case "json":
		rows, lines, err = readJSONRows(text, table)
	default:
		err = fmt.Errorf("the form is %q; it may be csv or json", form)
	}
	if err == nil && len(rows) == 0 {
		err = errors.New("it has no rows")
	}
	if err != nil {
		return nil, nil, &sys.Error{Op: "read rows for", Path: table, Kind: sys.Invalid, Err: err, Hint: "export the table to see the form"}
	}
	return rows, lines, nil
}

// linesOf finds the line on which each row begins: rows are pieces of the text from a
// place on, in its order.
func linesOf(text []byte, at int, rows []json.RawMessage) []int {
	lines, line := make([]int, len(rows)), 1+bytes.Count(text[:at], []byte("\n"))
	for i, r := range rows {
		if from := bytes.Index(text[at:], r); from >= 0 {
			line += bytes.Count(text[at:at+from], []byte("\n"))
			lines[i] = line
			line += bytes.Count(r, []byte("\n"))
			at += from + len(r)
		}
	}
	return lines
}

func readJSONRows(raw []byte, table string) (rows []json.RawMessage, lines []int, err error) {
	if json.Unmarshal(raw, &rows) == nil {
		return rows, linesOf(raw, 0, rows), nil
	}
	var byTable map[string][]json.RawMessage
	if err := json.Unmarshal(raw, &byTable); err != nil {
		return nil, nil, err
	}
	rows, ok := byTable[table]
	if !ok {
		return nil, nil, fmt.Errorf("it has no table %s", table)
	}
	at, err := after(raw, table)
	return rows, linesOf(raw, at, rows), err
}

// after is the place in an object where the value of a key begins, or a little before.
func after(object []byte, key string) (int, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		return 0, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil || name == key {
			return int(d.InputOffset()), err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// readCSV reads rows; a cell is read as the type of its column.
func readCSV(raw []byte, types map[string]string) (rows []json.RawMessage, lines []int, err error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))))
	head, err := r.Read()
	if err != nil {
		return nil, nil, err
	}
	for _, column := range head {
		if _, ok := types[column]; !ok && !slices.Contains([]string{"id", "created_at", "updated_at"}, column) {
			return nil, nil, fmt.Errorf("the table has no column %q; there are %s", column, strings.Join(slices.Sorted(maps.Keys(types)), ", "))
		}
	}
	for {
		line, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, lines, nil
		}
		if err != nil {
			return nil, nil, err
		}
		row := map[string]json.RawMessage{}
		for i, text := range line {
			if text != "" {
				row[head[i]] = cell(text, types[head[i]])
			}
		}
		out, err := json.Marshal(row)
		if err != nil {
			return nil, nil, err
		}
		at, _ := r.FieldPos(0)
		rows, lines = append(rows, out), append(lines, at)
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
