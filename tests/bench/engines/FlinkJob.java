import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/**
 * Flink's DataStream API in one JVM, parallelism 1: keyBy, one-minute windows of event time, aggregate on the heap, a
 * checkpoint every second. Arguments as in told.py, and a directory for its checkpoints.
 */
public final class FlinkJob {
    private static final long THRESHOLD_MS = 20_000;
    private static final OperatingSystemMXBean SYSTEM = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    private static long expected;
    private static long seen;
    private static long[] began;
    private static long[] ended;

    @JsonIgnoreProperties(ignoreUnknown = true)
    public static class Event {
        public String type;
        public long time;
        public String queue;
        @JsonProperty("wait_ms") public Long waitMs;
    }

    public static class Cell {
        public String queue;
        public long minute;
        public long events;
        public long answered;
        public long total;
        public long longest;
        public long within;
    }

    public static class Decoder extends AbstractDeserializationSchema<Event> {
        private transient ObjectReader reader;

        @Override
        public void open(InitializationContext context) {
            reader = new ObjectMapper().readerFor(Event.class);
        }

        @Override
        public Event deserialize(byte[] value) throws IOException {
            if (began == null) {
                began = now();
            }
            return reader.readValue(value);
        }
    }

    public static class Count implements AggregateFunction<Event, Cell, Cell> {
        @Override
        public Cell createAccumulator() {
            return new Cell();
        }

        @Override
        public Cell add(Event event, Cell cell) {
            cell.events++;
            if ("answered".equals(event.type) && event.waitMs != null) {
                long wait = event.waitMs;
                cell.answered++;
                cell.total += wait;
                cell.longest = Math.max(cell.longest, wait);
                cell.within += wait <= THRESHOLD_MS ? 1 : 0;
            }
            if (++seen == expected) {
                ended = now();
            }
            return cell;
        }

        @Override
        public Cell getResult(Cell cell) {
            return cell;
        }

        @Override
        public Cell merge(Cell one, Cell other) {
            throw new UnsupportedOperationException("tumbling windows do not merge");
        }
    }

    public static class Name extends ProcessWindowFunction<Cell, Cell, String, TimeWindow> {
        @Override
        public void process(String queue, Context context, Iterable<Cell> cells, Collector<Cell> out) {
            for (Cell cell : cells) {
                cell.queue = queue;
                cell.minute = context.window().getStart() / 60_000;
                out.collect(cell);
            }
        }
    }

    private static long[] now() {
        return new long[] {System.nanoTime(), SYSTEM.getProcessCpuTime()};
    }

    public static void main(String[] arguments) throws Exception {
        expected = Long.parseLong(arguments[2]);
        Configuration config = new Configuration();
        config.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofSeconds(1));
        config.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, Path.of(arguments[4]).toUri().toString());
        config.set(RestartStrategyOptions.RESTART_STRATEGY, "none"); // a mistake ends the run
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(config);
        env.setParallelism(1);
        env.getConfig().enableObjectReuse();
        KafkaSource<Event> source = KafkaSource.<Event>builder()
                .setBootstrapServers(arguments[0])
                .setTopics(arguments[1])
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setBounded(OffsetsInitializer.latest())
                .setValueOnlyDeserializer(new Decoder())
                .build();
        WatermarkStrategy<Event> time = WatermarkStrategy.<Event>forBoundedOutOfOrderness(Duration.ofMinutes(1))
                .withTimestampAssigner((event, appended) -> event.time);
        Map<String, long[]> totals = new LinkedHashMap<>();
        try (var cells = env.fromSource(source, time, "calls")
                .keyBy(event -> event.queue == null ? "" : event.queue)
                .window(TumblingEventTimeWindows.of(Duration.ofMinutes(1)))
                .aggregate(new Count(), new Name())
                .executeAndCollect()) {
            cells.forEachRemaining(it -> totals.put(
                    it.queue + " " + it.minute, new long[] {it.events, it.answered, it.total, it.longest, it.within}));
        }
        String software = "Flink " + EnvironmentInformation.getVersion() + ", Java " + Runtime.version();
        new ObjectMapper().writeValue(
                Files.newOutputStream(Path.of(arguments[3])),
                Map.of(
                        "events", expected,
                        "seconds", (ended[0] - began[0]) / 1e9,
                        "cpu_seconds", (ended[1] - began[1]) / 1e9,
                        "software", software,
                        "totals", totals));
        System.exit(0);
    }
}
