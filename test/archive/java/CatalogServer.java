import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.rest.RESTCatalogAdapter;
import org.apache.iceberg.rest.RESTCatalogServlet;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/** Apache Iceberg's REST catalog over SQLite, for tests: PORT DATABASE WAREHOUSE S3FOLDER. It prints a line when it is ready. */
public class CatalogServer {
  /** Metadata in plain files; `s3://BUCKET/KEY` is a file of the S3 server, which keeps each object as one. */
  public static class PlainFiles implements FileIO {
    static String s3Folder = "";

    private static Path pathOf(String location) {
      if (location.startsWith("s3://")) return Path.of(s3Folder, location.substring(5));
      return Path.of(location.replaceFirst("^file:(//)?", ""));
    }

    @Override
    public InputFile newInputFile(String location) {
      return new NamedInput(org.apache.iceberg.Files.localInput(pathOf(location).toFile()), location);
    }

    @Override
    public OutputFile newOutputFile(String location) {
      return new Named(org.apache.iceberg.Files.localOutput(pathOf(location).toFile()), location);
    }

    @Override
    public void deleteFile(String location) {
      pathOf(location).toFile().delete();
    }
  }

  /** Known by the names that were asked for, which the catalog compares. */
  private record Named(OutputFile file, String location) implements OutputFile {
    @Override
    public org.apache.iceberg.io.PositionOutputStream create() {
      return file.create();
    }

    @Override
    public org.apache.iceberg.io.PositionOutputStream createOrOverwrite() {
      return file.createOrOverwrite();
    }

    @Override
    public InputFile toInputFile() {
      return new NamedInput(file.toInputFile(), location);
    }
  }

  private record NamedInput(InputFile file, String location) implements InputFile {
    @Override
    public long getLength() {
      return file.getLength();
    }

    @Override
    public org.apache.iceberg.io.SeekableInputStream newStream() {
      return file.newStream();
    }

    @Override
    public boolean exists() {
      return file.exists();
    }
  }

  public static void main(String[] args) throws Exception {
    PlainFiles.s3Folder = args[3];
    Files.createDirectories(Path.of(args[1]).getParent());
    JdbcCatalog catalog = new JdbcCatalog();
    catalog.initialize(
        "test",
        Map.of(
            "uri", "jdbc:sqlite:" + args[1],
            "warehouse", args[2],
            "io-impl", PlainFiles.class.getName(),
            "jdbc.schema-version", "V1"));
    ServletContextHandler context = new ServletContextHandler();
    context.addServlet(new ServletHolder(new RESTCatalogServlet(new RESTCatalogAdapter(catalog))), "/*");
    Server server = new Server();
    ServerConnector connector = new ServerConnector(server);
    connector.setHost("127.0.0.1");
    connector.setPort(Integer.parseInt(args[0]));
    server.addConnector(connector);
    server.setHandler(context);
    server.start();
    System.out.println("ready");
    server.join();
  }
}
