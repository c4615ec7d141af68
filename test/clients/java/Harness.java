import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** The command line of program.ts, and what all cases use. */
final class Harness {
  private Harness() {}

  /** Throws where the server does not do as it should. */
  interface Case {
    void run(String bootstrap, String parameter) throws Exception;
  }

  static final class Failure extends RuntimeException {
    Failure(String why) {
      super(why);
    }
  }

  static void runCases(Map<String, Case> cases, String[] args) {
    if (args[0].equals("--list")) {
      cases.keySet().forEach(System.out::println);
      System.exit(0);
    }
    for (String full : List.of(args).subList(1, args.length)) {
      String[] parts = full.split(":", 2);
      try {
        cases.get(parts[0]).run(args[0], parts.length > 1 ? parts[1] : "");
        System.out.println("PASS " + full);
      } catch (Throwable error) {
        error.printStackTrace();
        System.out.println("FAIL " + full + ": " + error.toString().replace('\n', ' '));
      }
    }
    System.exit(0);
  }

  /** Asks for kill -9 and a new start of the server; the latch opens when it is back. */
  static CountDownLatch restartServer() {
    CountDownLatch back = new CountDownLatch(1);
    System.out.println("RESTART");
    Thread thread =
        new Thread(
            () -> {
              try {
                while (System.in.read() != '\n') {}
              } catch (IOException error) {
                throw new IllegalStateException(error);
              }
              back.countDown();
            });
    thread.setDaemon(true);
    thread.start();
    return back;
  }

  static String unique(String name) {
    return name + "-" + UUID.randomUUID().toString().substring(0, 8);
  }

  static void equal(Object got, Object expected) {
    if (!Objects.equals(got, expected)) throw new Failure(brief(got) + " is not " + brief(expected));
  }

  private static String brief(Object value) {
    String text = String.valueOf(value);
    return text.length() > 500 ? text.substring(0, 500) : text;
  }

  static void until(String what, BooleanSupplier done, Supplier<Object> state) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
    while (!done.getAsBoolean()) {
      if (System.nanoTime() > deadline)
        throw new Failure(what + ": not within a minute; there is " + brief(state.get()));
      Thread.sleep(20);
    }
  }

  /** The answer, or the error itself. */
  static <T> T get(Future<T> future) throws Exception {
    try {
      return future.get(1, TimeUnit.MINUTES);
    } catch (ExecutionException error) {
      if (error.getCause() instanceof Exception cause) throw cause;
      throw error;
    } catch (TimeoutException error) {
      throw new Failure("no answer within a minute");
    }
  }

  interface Attempt {
    Object run() throws Exception;
  }

  static void refused(Class<? extends Exception> expected, Attempt attempt) {
    Object got;
    try {
      got = attempt.run();
    } catch (Exception error) {
      for (Throwable cause = error; cause != null; cause = cause.getCause()) if (expected.isInstance(cause)) return;
      throw new Failure(error + " instead of " + expected.getSimpleName());
    }
    throw new Failure("not refused with " + expected.getSimpleName() + ", but " + got);
  }

  static List<String> texts(int from, int to) {
    return IntStream.range(from, to).mapToObj(Integer::toString).toList();
  }
}
