// Asks an embedded ClickHouse what Grafana's datasource asks, through the driver that it uses.
//
// Usage: go_driver ADDRESS USER none|gzip|lz4
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
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

func ask(address, user, compression string) (answer, error) {
	var got answer
	options := &clickhouse.Options{
		Addr:        []string{address},
		Protocol:    clickhouse.HTTP,
		Auth:        clickhouse.Auth{Database: "default", Username: user},
		DialTimeout: 10 * time.Second,
	}
	if compression == "gzip" {
		options.Compression = &clickhouse.Compression{Method: clickhouse.CompressionGZIP}
	}
	if compression == "lz4" {
		options.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
	db := clickhouse.OpenDB(options)
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

func main() {
	got, err := ask(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(got); err != nil {
		os.Exit(1)
	}
}
