import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.Stores;

/**
 * The drain on Kafka Streams: Processor API, two threads, a cached RocksDB store with its changelog, Jackson's streaming parser.
 * It keeps one sum a partition and adds them up at the end, so that nothing has to be repartitioned.
 * Arguments: bootstrap servers, topic, events, folder of the state, processing guarantee.
 */
public final class Drain {
  private static final String STORE = "totals";
  private static final Set<String> SEGMENTS = Set.of("Premium", "Standard", "Basic");
  private static final JsonFactory JSON = new JsonFactory();

  public static void main(String[] args) throws Exception {
    String topic = args[1];
    long events = Long.parseLong(args[2]);
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "drain-" + ProcessHandle.current().pid() + "-" + System.nanoTime());
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, args[3]);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, args[4]);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
    settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");

    AtomicLong read = new AtomicLong();
    AtomicLong invalid = new AtomicLong();
    CountDownLatch done = new CountDownLatch(1);
    Topology topology = new Topology();
    topology.addSource("events", new ByteArrayDeserializer(), new ByteArrayDeserializer(), topic);
    topology.addProcessor("sum", () -> new Sum(read, invalid, events, done), "events");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(STORE), Serdes.String(), Serdes.ByteArray()).withCachingEnabled(),
        "sum");
    try (KafkaStreams streams = new KafkaStreams(topology, settings)) {
      streams.setUncaughtExceptionHandler(
          error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
          });
      streams.start();
      done.await();
      long cents = 0;
      long accepted = 0;
      var store = streams.store(StoreQueryParameters.fromNameAndType(STORE, QueryableStoreTypes.<String, byte[]>keyValueStore()));
      try (var all = store.all()) {
        while (all.hasNext()) {
          ByteBuffer total = ByteBuffer.wrap(all.next().value);
          cents += total.getLong();
          accepted += total.getLong();
        }
      }
      // What is still in flight is committed by this.
      streams.close(Duration.ofSeconds(60));
      System.out.printf("{\"read\":%d,\"accepted\":%d,\"total\":%d.%02d}%n", read.get(), accepted, cents / 100, cents % 100);
    }
  }

  private static final class Sum implements Processor<byte[], byte[], Void, Void> {
    private final AtomicLong read;
    private final AtomicLong invalid;
    private final long events;
    private final CountDownLatch done;
    private final Purchase purchase = new Purchase();
    private KeyValueStore<String, byte[]> totals;

    Sum(AtomicLong read, AtomicLong invalid, long events, CountDownLatch done) {
      this.read = read;
      this.invalid = invalid;
      this.events = events;
      this.done = done;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
      totals = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      if (purchase.parse(record.value())) {
        String key = purchase.day + "|" + purchase.currency + "|" + purchase.category;
        byte[] held = totals.get(key);
        ByteBuffer before = held == null ? ByteBuffer.allocate(16) : ByteBuffer.wrap(held);
        ByteBuffer after = ByteBuffer.allocate(16);
        after.putLong(before.getLong() + purchase.total).putLong(before.getLong() + 1);
        totals.put(key, after.array());
      } else {
        invalid.incrementAndGet();
      }
      if (read.incrementAndGet() == events) done.countDown();
    }
  }

  /** Amounts are cents, the discount is hundredths of a percent. */
  private static final class Purchase {
    String id;
    String customer;
    String segment;
    String category;
    String currency;
    String day;
    int quantity;
    long price;
    long total;
    long discount;

    boolean parse(byte[] value) {
      id = customer = segment = category = currency = day = null;
      quantity = -1;
      price = total = -1;
      discount = 0;
      try (JsonParser parser = JSON.createParser(value)) {
        if (parser.nextToken() != JsonToken.START_OBJECT) return false;
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String field = parser.currentName();
          JsonToken token = parser.nextToken();
          if (token == null) return false;
          if (token == JsonToken.VALUE_NULL) continue;
          take(field, parser);
        }
        return isValid();
      } catch (IOException | ArithmeticException | DateTimeException problem) {
        return false;
      }
    }

    private void take(String field, JsonParser parser) throws IOException {
      switch (field) {
        case "event_id" -> id = parser.getText();
        case "timestamp" ->
            day = OffsetDateTime.parse(parser.getText()).withOffsetSameInstant(ZoneOffset.UTC).toLocalDate().toString();
        case "customer_id" -> customer = parser.getText();
        case "customer_segment" -> segment = parser.getText();
        case "product_category" -> category = parser.getText();
        case "currency" -> currency = parser.getText();
        case "quantity" -> quantity = parser.getIntValue();
        case "unit_price" -> price = hundredths(parser);
        case "total_amount" -> total = hundredths(parser);
        case "discount_percentage" -> discount = hundredths(parser);
        default -> parser.skipChildren();
      }
    }

    private static long hundredths(JsonParser parser) throws IOException {
      return parser.getDecimalValue().movePointRight(2).longValueExact();
    }

    private boolean isValid() {
      if (id == null || customer == null || category == null || currency == null || day == null) return false;
      if (id.isEmpty() || id.length() > 128 || category.length() > 256 || currency.length() != 3) return false;
      if (segment != null && !SEGMENTS.contains(segment)) return false;
      if (quantity < 1 || quantity > 10_000 || price < 0 || total < 0 || discount < 0 || discount > 10_000) return false;
      return Math.abs(Math.multiplyExact(price * quantity, 10_000 - discount) - Math.multiplyExact(total, 10_000L)) <= 10_000;
    }
  }
}
