// Asks ClickHouse the queries of a file by its official Java clients and writes each answer as a line of JSON.
//
// Usage: java -cp 'lib/*' Ask.java URL DATABASE USER client|jdbc none|lz4|http QUERIES
// An answer: {"rows": [[...], ...]} with every value as text, or {"error": "..."}.

import com.clickhouse.client.api.Client;
import com.clickhouse.client.api.data_formats.ClickHouseBinaryFormatReader;
import com.clickhouse.client.api.data_formats.internal.BinaryStreamReader;
import com.clickhouse.client.api.query.QueryResponse;
import com.clickhouse.client.api.query.QuerySettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

public class Ask {
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
        return value == null ? "null" : quoted(plain(value));
    }

    static void answer(List<String> rows) {
        System.out.println("{\"rows\": [" + String.join(",", rows) + "]}");
    }

    static void error(Throwable error) {
        StringBuilder text = new StringBuilder();
        for (Throwable at = error; at != null; at = at.getCause()) text.append(at).append(" | ");
        System.out.println("{\"error\": " + quoted(text.toString()) + "}");
    }

    static void byClient(String url, String database, String user, String compression, List<String> queries) throws Exception {
        try (Client client = new Client.Builder()
                .addEndpoint(url).setUsername(user).setPassword("").setDefaultDatabase(database)
                .compressServerResponse(!compression.equals("none"))
                .compressClientRequest(compression.equals("lz4"))
                .useHttpCompression(compression.equals("http"))
                .build()) {
            for (String query : queries) {
                try (QueryResponse response = client.query(query, new QuerySettings()).get(30, TimeUnit.SECONDS)) {
                    ClickHouseBinaryFormatReader reader = client.newBinaryFormatReader(response);
                    int columns = reader.getSchema().getColumns().size();
                    List<String> rows = new ArrayList<>();
                    while (reader.next() != null) {
                        List<String> row = new ArrayList<>();
                        for (int n = 1; n <= columns; n++) row.add(said(reader.readValue(n)));
                        rows.add("[" + String.join(",", row) + "]");
                    }
                    answer(rows);
                } catch (Exception failure) {
                    error(failure);
                }
            }
        }
    }

    static void byJdbc(String url, String database, String user, String compression, List<String> queries) throws Exception {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("compress", String.valueOf(!compression.equals("none")));
        if (compression.equals("http")) properties.setProperty("client.use_http_compression", "true");
        try (Connection connection = new com.clickhouse.jdbc.Driver().connect(url.replace("http://", "jdbc:clickhouse://") + "/" + database, properties);
                Statement statement = connection.createStatement()) {
            for (String query : queries) {
                try (ResultSet found = statement.executeQuery(query)) {
                    int columns = found.getMetaData().getColumnCount();
                    List<String> rows = new ArrayList<>();
                    while (found.next()) {
                        List<String> row = new ArrayList<>();
                        for (int n = 1; n <= columns; n++) row.add(said(found.getString(n)));
                        rows.add("[" + String.join(",", row) + "]");
                    }
                    answer(rows);
                } catch (SQLException failure) {
                    error(failure);
                }
            }
        }
    }

    public static void main(String[] args) throws Exception {
        List<String> queries = Files.readAllLines(Path.of(args[5]));
        if (args[3].equals("client")) byClient(args[0], args[1], args[2], args[4], queries);
        else byJdbc(args[0], args[1], args[2], args[4], queries);
    }
}
