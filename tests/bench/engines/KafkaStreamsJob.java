import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.WindowStore;

/**
 * Kafka Streams, one thread: groupByKey, one-minute windows of event time, aggregate, with its default store
 * (RocksDB, cached, logged to Kafka). Arguments as in told.py, and a directory for its state.
 */
public final class KafkaStreamsJob {
    private static final long THRESHOLD_MS = 20_000;

    @JsonIgnoreProperties(ignoreUnknown = true)
    public record Event(
            @JsonProperty("type") String type,
            @JsonProperty("time") long time,
            @JsonProperty("queue") String queue,
            @JsonProperty("wait_ms") Long waitMs) {}

    public record Cell(long events, long answered, long total, long longest, long within) {
        Cell plus(Event event) {
            if (!"answered".equals(event.type()) || event.waitMs() == null) {
                return new Cell(events + 1, answered, total, longest, within);
            }
            long wait = event.waitMs();
            return new Cell(
                    events + 1,
                    answered + 1,
                    total + wait,
                    Math.max(longest, wait),
                    within + (wait <= THRESHOLD_MS ? 1 : 0));
        }
    }

    private static Serde<Cell> cells() {
        return Serdes.serdeFrom(
                (topic, cell) -> ByteBuffer.allocate(40)
                        .putLong(cell.events()).putLong(cell.answered()).putLong(cell.total())
                        .putLong(cell.longest()).putLong(cell.within()).array(),
                (topic, bytes) -> {
                    ByteBuffer in = ByteBuffer.wrap(bytes);
                    return new Cell(in.getLong(), in.getLong(), in.getLong(), in.getLong(), in.getLong());
                });
    }

    private static Deserializer<Event> events() {
        ObjectReader reader = new ObjectMapper().readerFor(Event.class);
        return (topic, bytes) -> {
            try {
                return reader.readValue(bytes);
            } catch (IOException error) {
                throw new IllegalArgumentException(error);
            }
        };
    }

    public static void main(String[] arguments) throws Exception {
        String topic = arguments[1];
        long expected = Long.parseLong(arguments[2]);
        Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, topic + "-kafka-streams-" + ProcessHandle.current().pid());
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        config.put(StreamsConfig.STATE_DIR_CONFIG, arguments[4]);
        config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        config.put("auto.offset.reset", "earliest");

        OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        long[] seen = {0, 0, 0};
        CountDownLatch done = new CountDownLatch(1);
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(
                        topic,
                        Consumed.with(Serdes.String(), Serdes.serdeFrom((t, event) -> null, events()))
                                .withTimestampExtractor((record, before) -> ((Event) record.value()).time()))
                .groupByKey()
                .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMinutes(1), Duration.ofMinutes(1)))
                .aggregate(
                        () -> new Cell(0, 0, 0, 0, 0),
                        (queue, event, cell) -> {
                            if (seen[0]++ == 0) {
                                seen[1] = System.nanoTime();
                                seen[2] = system.getProcessCpuTime();
                            }
                            Cell next = cell.plus(event);
                            if (seen[0] == expected) {
                                done.countDown();
                            }
                            return next;
                        },
                        Materialized.<String, Cell, WindowStore<Bytes, byte[]>>as("cells")
                                .withKeySerde(Serdes.String())
                                .withValueSerde(cells())
                                .withRetention(Duration.ofDays(3)));
        KafkaStreams streams = new KafkaStreams(builder.build(), config);
        streams.start();
        done.await();
        double seconds = (System.nanoTime() - seen[1]) / 1e9;
        double cpu = (system.getProcessCpuTime() - seen[2]) / 1e9;

        Map<String, long[]> totals = new LinkedHashMap<>();
        var store = streams.store(StoreQueryParameters.fromNameAndType("cells", QueryableStoreTypes.<String, Cell>windowStore()));
        try (var all = store.all()) {
            all.forEachRemaining(it -> {
                Cell cell = it.value;
                totals.put(
                        it.key.key() + " " + it.key.window().start() / 60_000,
                        new long[] {cell.events(), cell.answered(), cell.total(), cell.longest(), cell.within()});
            });
        }
        String software = "Kafka Streams " + AppInfoParser.getVersion() + ", Java " + Runtime.version();
        new ObjectMapper().writeValue(
                Files.newOutputStream(Path.of(arguments[3])),
                Map.of("events", expected, "seconds", seconds, "cpu_seconds", cpu, "software", software, "totals", totals));
        streams.close(Duration.ofSeconds(20));
        System.exit(0);
    }
}
