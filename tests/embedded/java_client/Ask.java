// Asks ClickHouse the queries of a file by its official Java clients and writes each answer as a line of JSON.
//
// Usage: java -cp 'lib/*' Ask.java URL DATABASE USER client|jdbc none|lz4|http QUERIES
// An answer: {"rows": [[...], ...]} with every value as text, or {"error": "..."}. A query may have a word before it:
// DIGEST {"count": rows, "digest": SHA-256 of their text}; PART {"part": rows read before the answer was left alone};
// CANCEL is cancelled at the next line of standard input, CLOSE has its client closed then.

import com.clickhouse.client.api.Client;
import com.clickhouse.client.api.data_formats.ClickHouseBinaryFormatReader;
import com.clickhouse.client.api.data_formats.internal.BinaryStreamReader;
import com.clickhouse.client.api.query.QueryResponse;
import com.clickhouse.client.api.query.QuerySettings;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

public class Ask {
    static final int PART = 1_000;
    static final DateTimeFormatter INSTANT = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'");

    static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < ' ') out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }

    /** Any value as the text that every client's test compares: [a,b] for arrays and tuples, {k:v} for maps. */
    static String plain(Object value) {
        if (value == null) return "null";
        if (value instanceof BinaryStreamReader.ArrayValue array) return plain(array.asList());
        if (value instanceof Object[] several) return plain(Arrays.asList(several));
        if (value instanceof List<?> list) return list.stream().map(Ask::plain).collect(Collectors.joining(",", "[", "]"));
        if (value instanceof Map<?, ?> map) {
            return map.entrySet().stream().map(e -> plain(e.getKey()) + ":" + plain(e.getValue())).sorted()
                    .collect(Collectors.joining(",", "{", "}"));
        }
        if (value instanceof ZonedDateTime zoned) {
            ZonedDateTime time = zoned.withZoneSameInstant(ZoneOffset.UTC);
            return time.toLocalTime().toNanoOfDay() == 0 ? time.toLocalDate().toString() : INSTANT.format(time);
        }
        if (value instanceof Double number && number == Math.rint(number) && Math.abs(number) < 1e15) return number.longValue() + "";
        return value.toString();
    }

    static String said(Object value) {
        return value == null ? null : plain(value);
    }

    static void answer(List<String> rows) {
        System.out.println("{\"rows\": [" + String.join(",", rows) + "]}");
    }

    /** Rows of either client, one after the other; null after the last. */
    interface Rows {
        List<String> next() throws Exception;
    }

    static String json(List<String> row) {
        return row.stream().map(it -> it == null ? "null" : quoted(it)).collect(Collectors.joining(",", "[", "]"));
    }

    static void read(String how, Rows found) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        List<String> rows = new ArrayList<>();
        int count = 0;
        for (List<String> row = found.next(); row != null; row = found.next()) {
            count++;
            if (how.equals("PART") && count == PART) break;
            if (how.equals("DIGEST")) {
                String text = row.stream().map(it -> it == null ? "\\N" : it).collect(Collectors.joining("\u001f", "", "\n"));
                digest.update(text.getBytes(StandardCharsets.UTF_8));
            } else if (how.isEmpty()) rows.add(json(row));
        }
        if (how.equals("DIGEST"))
            System.out.println("{\"count\": " + count + ", \"digest\": \"" + HexFormat.of().formatHex(digest.digest()) + "\"}");
        else if (how.equals("PART")) System.out.println("{\"part\": " + count + "}");
        else answer(rows);
    }

    static String how(String line) {
        String word = line.substring(0, Math.max(0, line.indexOf(' ')));
        return List.of("DIGEST", "PART", "CANCEL", "CLOSE").contains(word) ? word : "";
    }

    static String query(String line) {
        return how(line).isEmpty() ? line : line.substring(line.indexOf(' ') + 1);
    }

    interface Cancel {
        void now() throws Exception;
    }

    /** Does it when a line comes in, beside the query that runs meanwhile. */
    static void whenTold(Cancel cancel) {
        Thread beside = new Thread(() -> {
            try {
                System.in.read();
                cancel.now();
            } catch (Exception failure) {
                error(failure);
            }
        });
        beside.setDaemon(true);
        beside.start();
    }

    static void error(Throwable error) {
        StringBuilder text = new StringBuilder();
        for (Throwable at = error; at != null; at = at.getCause()) text.append(at).append(" | ");
        System.out.println("{\"error\": " + quoted(text.toString()) + "}");
    }

    static Client client(String url, String database, String user, String compression) {
        return new Client.Builder()
                .addEndpoint(url).setUsername(user).setPassword("").setDefaultDatabase(database)
                .compressServerResponse(!compression.equals("none"))
                .compressClientRequest(compression.equals("lz4"))
                .useHttpCompression(compression.equals("http"))
                .build();
    }

    static void byClient(String url, String database, String user, String compression, List<String> lines) throws Exception {
        Client client = client(url, database, user, compression);
        for (String line : lines) {
            String id = UUID.randomUUID().toString();
            Client asked = client;
            if (how(line).equals("CANCEL"))
                whenTold(() -> asked.query("KILL QUERY WHERE query_id = '" + id + "'").get(30, TimeUnit.SECONDS).close());
            if (how(line).equals("CLOSE")) whenTold(asked::close);
            try (QueryResponse response = client.query(query(line), new QuerySettings().setQueryId(id)).get(60, TimeUnit.SECONDS)) {
                ClickHouseBinaryFormatReader reader = client.newBinaryFormatReader(response);
                int columns = reader.getSchema().getColumns().size();
                read(how(line), () -> {
                    if (reader.next() == null) return null;
                    List<String> row = new ArrayList<>();
                    for (int n = 1; n <= columns; n++) row.add(said(reader.readValue(n)));
                    return row;
                });
            } catch (Exception failure) {
                error(failure);
            }
            if (how(line).equals("CLOSE")) client = client(url, database, user, compression);
        }
        client.close();
    }

    static void byJdbc(String url, String database, String user, String compression, List<String> lines) throws Exception {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("compress", String.valueOf(!compression.equals("none")));
        if (compression.equals("http")) properties.setProperty("client.use_http_compression", "true");
        try (Connection connection = new com.clickhouse.jdbc.Driver().connect(url.replace("http://", "jdbc:clickhouse://") + "/" + database, properties);
                Statement statement = connection.createStatement()) {
            for (String line : lines) {
                if (how(line).equals("CANCEL")) whenTold(statement::cancel);
                try (ResultSet found = statement.executeQuery(query(line))) {
                    int columns = found.getMetaData().getColumnCount();
                    read(how(line), () -> {
                        if (!found.next()) return null;
                        List<String> row = new ArrayList<>();
                        for (int n = 1; n <= columns; n++) row.add(said(found.getString(n)));
                        return row;
                    });
                } catch (Exception failure) {
                    error(failure);
                }
            }
        }
    }

    public static void main(String[] args) throws Exception {
        List<String> lines = Files.readAllLines(Path.of(args[5]));
        if (args[3].equals("client")) byClient(args[0], args[1], args[2], args[4], lines);
        else byJdbc(args[0], args[1], args[2], args[4], lines);
    }
}
