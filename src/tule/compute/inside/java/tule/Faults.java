package tule;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Error documents. AWS: https://docs.aws.amazon.com/lambda/latest/dg/java-exceptions.html */
final class Faults {
    private Faults() {}

    static byte[] document(Throwable error) {
        return Json.bytes(described(error, 0));
    }

    private static Map<String, Object> described(Throwable error, int depth) {
        Map<String, Object> told = Bootstrap.map("errorMessage", error.getMessage(), "errorType", error.getClass().getName());
        List<String> frames = new ArrayList<>();
        for (StackTraceElement frame : error.getStackTrace()) {
            if (isOwn(frame)) break;
            frames.add(frame.toString());
        }
        told.put("stackTrace", frames);
        if (error.getCause() != null && depth < 16) told.put("cause", described(error.getCause(), depth + 1));
        return told;
    }

    /** What lies below the handler is the runtime's. */
    static boolean isOwn(StackTraceElement frame) {
        String name = frame.getClassName();
        return name.startsWith("tule.") || name.startsWith("java.lang.reflect.") || name.startsWith("jdk.internal.reflect.");
    }
}
