import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;

/**
 * Apache Kafka's own bytes for the samples that print-samples.ts prints: for each line (message, API key, version, fill,
 * JSON) the frame after its size, header included, in hex. Correlation id 42, client id "golden".
 */
public class GoldenFrames {
    private static final int CORRELATION_ID = 42;

    public static void main(String[] arguments) throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        StringBuilder out = new StringBuilder("{");
        String separator = "\n";
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] parts = line.split("\t", 5);
            short version = Short.parseShort(parts[2]);
            Message message = read(parts[0], mapper.readTree(parts[4]), version);
            String hex = header(parts[0], Integer.parseInt(parts[1]), version) + bytes(message, version);
            out.append(separator).append("  \"" + parts[0] + " " + version + " " + parts[3] + "\": \"" + hex + "\"");
            separator = ",\n";
        }
        System.out.println(out.append("\n}"));
    }

    private static Message read(String name, JsonNode json, short version) throws Exception {
        String suffix = name.startsWith("ConsumerProtocol") ? "" : "Data";
        Class<?> converter = Class.forName("org.apache.kafka.common.message." + name + suffix + "JsonConverter");
        return (Message) converter.getMethod("read", JsonNode.class, short.class).invoke(null, json, version);
    }

    private static String header(String name, int key, short version) {
        if (key < 0) return String.format("%04x", version);
        ApiKeys api = ApiKeys.forId(key);
        if (name.endsWith("Response")) {
            return bytes(new ResponseHeaderData().setCorrelationId(CORRELATION_ID), api.responseHeaderVersion(version));
        }
        RequestHeaderData header = new RequestHeaderData()
            .setRequestApiKey((short) key)
            .setRequestApiVersion(version)
            .setCorrelationId(CORRELATION_ID)
            .setClientId("golden");
        return bytes(header, api.requestHeaderVersion(version));
    }

    private static String bytes(Message message, short version) {
        ByteBuffer buffer = MessageUtil.toByteBufferAccessor(message, version).buffer();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
