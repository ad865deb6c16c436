// Asks an embedded ClickHouse what Grafana's datasource asks, through the driver that it uses.
//
// Usage: go_driver ADDRESS USER none|gzip|lz4 [DATABASE QUERIES]
// With a file of queries: each answer as a line of JSON, {"rows": [[...], ...]} with every value as text, or {"error": "..."}.
// A query may have a word before it: DIGEST {"count": rows, "digest": SHA-256 of their text}; PART {"part": rows read
// before the answer was left alone}; CANCEL has its context cancelled at the next line of standard input.
package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

type answer struct {
	Version   string
	Number    uint64
	Text      string
	Float     float64
	Time      string
	Rows      int
	Empty     int
	Named     string
	Exception string
}

func open(address, user, compression, database string) *sql.DB {
	options := &clickhouse.Options{
		Addr:        []string{address},
		Protocol:    clickhouse.HTTP,
		Auth:        clickhouse.Auth{Database: database, Username: user},
		DialTimeout: 10 * time.Second,
	}
	if compression == "gzip" {
		options.Compression = &clickhouse.Compression{Method: clickhouse.CompressionGZIP}
	}
	if compression == "lz4" {
		options.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
	return clickhouse.OpenDB(options)
}

func ask(address, user, compression string) (answer, error) {
	var got answer
	db := open(address, user, compression, "default")
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := db.PingContext(ctx); err != nil {
		return got, fmt.Errorf("ping: %w", err)
	}
	if err := db.QueryRowContext(ctx, "SELECT version()").Scan(&got.Version); err != nil {
		return got, fmt.Errorf("version: %w", err)
	}
	var at time.Time
	row := db.QueryRowContext(ctx, "SELECT toUInt64(7), 'café 热线', 0.25, toDateTime64('2024-01-02 03:04:05.678', 3, 'UTC')")
	if err := row.Scan(&got.Number, &got.Text, &got.Float, &at); err != nil {
		return got, fmt.Errorf("values: %w", err)
	}
	got.Time = at.UTC().Format(time.RFC3339Nano)
	rows, err := db.QueryContext(ctx, "SELECT number, toString(number) FROM numbers(200000)")
	if err != nil {
		return got, fmt.Errorf("rows: %w", err)
	}
	for rows.Next() {
		got.Rows++
	}
	if err := rows.Err(); err != nil {
		return got, fmt.Errorf("rows: %w", err)
	}
	empty, err := db.QueryContext(ctx, "SELECT number FROM numbers(10) WHERE number > 100")
	if err != nil {
		return got, fmt.Errorf("empty: %w", err)
	}
	for empty.Next() {
		got.Empty++
	}
	named := db.QueryRowContext(ctx, "SELECT {name:String}", clickhouse.Named("name", "it's"))
	if err := named.Scan(&got.Named); err != nil {
		return got, fmt.Errorf("parameter: %w", err)
	}
	_, err = db.ExecContext(ctx, "SELECT * FROM no_such_table")
	if err == nil {
		return got, fmt.Errorf("a missing table was no error")
	}
	got.Exception = err.Error()
	return got, nil
}

// Any value as the text that every client's test compares: [a,b] for arrays and tuples, {k:v} for maps.
func plain(value reflect.Value) string {
	if value.CanInterface() {
		switch it := value.Interface().(type) {
		case time.Time:
			if value.Type().String() == "time.Time" && it.Equal(it.Truncate(24*time.Hour)) {
				return it.UTC().Format("2006-01-02")
			}
			return it.UTC().Format("2006-01-02T15:04:05.000Z")
		case big.Int:
			return it.String()
		case *big.Int:
			return it.String()
		}
	}
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		if value.IsNil() {
			return "null"
		}
		return plain(value.Elem())
	case reflect.Slice:
		parts := make([]string, value.Len())
		for n := range parts {
			parts[n] = plain(value.Index(n))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case reflect.Map:
		parts := make([]string, 0, value.Len())
		for _, key := range value.MapKeys() {
			parts = append(parts, plain(key)+":"+plain(value.MapIndex(key)))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, ",") + "}"
	case reflect.Float64, reflect.Float32:
		return strconv.FormatFloat(value.Float(), 'f', -1, 64)
	}
	return fmt.Sprint(value.Interface())
}

const part = 1000

func howAndQuery(line string) (string, string) {
	word, query, _ := strings.Cut(line, " ")
	if word == "DIGEST" || word == "PART" || word == "CANCEL" {
		return word, query
	}
	return "", line
}

func read(db *sql.DB, line string) (map[string]any, error) {
	how, query := howAndQuery(line)
	ctx, cancel := context.WithTimeout(context.Background(), 120*time.Second)
	defer cancel()
	if how == "CANCEL" {
		go func() {
			fmt.Scanln()
			cancel()
		}()
	}
	found, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	types, err := found.ColumnTypes()
	if err != nil {
		return nil, err
	}
	rows := [][]*string{}
	digest := sha256.New()
	count := 0
	for found.Next() {
		row := make([]any, len(types))
		for n, column := range types {
			row[n] = reflect.New(column.ScanType()).Interface()
		}
		if err := found.Scan(row...); err != nil {
			return nil, err
		}
		count++
		if how == "PART" && count == part {
			return map[string]any{"part": count}, nil
		}
		texts := make([]*string, len(row))
		for n, value := range row {
			if text := plain(reflect.ValueOf(value).Elem()); text != "null" {
				texts[n] = &text
			}
		}
		if how == "DIGEST" {
			digest.Write([]byte(lineOf(texts)))
		} else {
			rows = append(rows, texts)
		}
	}
	if how == "DIGEST" {
		return map[string]any{"count": count, "digest": hex.EncodeToString(digest.Sum(nil))}, found.Err()
	}
	return map[string]any{"rows": rows}, found.Err()
}

func lineOf(texts []*string) string {
	parts := make([]string, len(texts))
	for n, text := range texts {
		parts[n] = "\\N"
		if text != nil {
			parts[n] = *text
		}
	}
	return strings.Join(parts, "\x1f") + "\n"
}

func answers(db *sql.DB, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		answer, err := read(db, line)
		if err != nil {
			answer = map[string]any{"error": err.Error()}
		}
		if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	if len(os.Args) == 6 {
		db := open(os.Args[1], os.Args[2], os.Args[3], os.Args[4])
		defer db.Close()
		if err := answers(db, os.Args[5]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	got, err := ask(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(got); err != nil {
		os.Exit(1)
	}
}
