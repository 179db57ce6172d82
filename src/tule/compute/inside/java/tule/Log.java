package tule;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Whole records on the pipe that also carries stdout. AWS: https://docs.aws.amazon.com/lambda/latest/dg/java-logging.html */
final class Log {
    private static final int MAGIC = 0xa55a0003;
    private static final List<String> LEVELS = Arrays.asList("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL");

    volatile String requestId;
    private final FileOutputStream pipe = new FileOutputStream(FileDescriptor.out);
    private final boolean json = "JSON".equalsIgnoreCase(System.getenv("AWS_LAMBDA_LOG_FORMAT"));
    private final int least = System.getenv("AWS_LAMBDA_LOG_LEVEL") == null ? -1 : LEVELS.indexOf(System.getenv("AWS_LAMBDA_LOG_LEVEL"));

    /** `level` is that of the logger's second argument, or UNDEFINED. */
    void log(String message, String level) {
        int rank = LEVELS.indexOf(level);
        if (rank >= 0 && rank < least) return;
        if (!json) {
            write((rank >= 0 ? "[" + level + "] " : "") + message);
            return;
        }
        String now = Instant.now().truncatedTo(ChronoUnit.MILLIS).toString();
        Map<String, Object> record = Bootstrap.map("timestamp", now, "level", rank >= 0 ? level : "UNDEFINED", "message", message);
        if (requestId != null) record.put("AWSRequestId", requestId);
        write(new String(Json.bytes(record), StandardCharsets.UTF_8) + "\n");
    }

    void error(Throwable error) {
        StringWriter trace = new StringWriter();
        error.printStackTrace(new PrintWriter(trace));
        StringBuilder kept = new StringBuilder();
        for (String line : trace.toString().split("\n")) {
            if (!line.startsWith("\tat tule.") && !line.contains("jdk.internal.reflect.") && !line.contains("java.lang.reflect.")) {
                kept.append(line).append('\n');
            }
        }
        String text = error.getMessage() + ": " + error.getClass().getName() + "\n" + kept + "\n";
        log(text, json ? "ERROR" : "UNDEFINED");
    }

    synchronized void write(String text) {
        byte[] raw = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer record = ByteBuffer.allocate(8 + raw.length).putInt(MAGIC).putInt(raw.length).put(raw);
        try {
            System.out.flush();
            pipe.write(record.array());
        } catch (IOException error) {
            error.printStackTrace();
        }
    }
}
