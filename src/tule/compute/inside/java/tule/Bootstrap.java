package tule;

import java.lang.reflect.InvocationTargetException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The Java runtime of an instance: loads the handler, then answers events of the Runtime API until it is killed. What functions see
 * (context, errors, log lines) is as AWS's own runtime gives it.
 *
 * <p>AWS: https://docs.aws.amazon.com/lambda/latest/dg/java-handler.html
 */
public final class Bootstrap {
    private Bootstrap() {}

    /** The arguments are the directory of the API's classes and, where there is one, the file of what functions trust. */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length > 1) trust(arguments[1]);
        RuntimeApi api = new RuntimeApi(System.getenv("AWS_LAMBDA_RUNTIME_API"));
        Log log = new Log();
        ClassLoader loader = Packages.loader(arguments[0]);
        Thread.currentThread().setContextClassLoader(loader);
        Handler handler;
        try {
            handler = Handler.load(System.getenv("_HANDLER"), loader, log);
        } catch (Throwable error) {
            Throwable cause = error instanceof InvocationTargetException && error.getCause() != null ? error.getCause() : error;
            log.error(cause);
            api.post("init/error", Faults.document(cause), cause.getClass().getName());
            System.exit(1);
            return;
        }
        while (true) {
            RuntimeApi.Event event = api.next();
            answer(api, handler, event, log);
        }
    }

    /** What the function's own options say wins. */
    private static void trust(String store) {
        if (System.getProperty("javax.net.ssl.trustStore") != null) return;
        System.setProperty("javax.net.ssl.trustStore", store);
        System.setProperty("javax.net.ssl.trustStoreType", "PKCS12");
    }

    private static void answer(RuntimeApi api, Handler handler, RuntimeApi.Event event, Log log) throws Exception {
        String trace = event.header("lambda-runtime-trace-id");
        if (trace != null) System.setProperty("com.amazonaws.xray.traceHeader", trace);
        log.requestId = event.id;
        byte[] answer;
        try {
            answer = handler.handle(event);
        } catch (Throwable error) {
            Throwable cause = error instanceof InvocationTargetException && error.getCause() != null ? error.getCause() : error;
            log.error(cause);
            System.out.flush();
            api.post("invocation/" + event.id + "/error", Faults.document(cause), cause.getClass().getName());
            if (cause instanceof VirtualMachineError) System.exit(1);
            return;
        }
        System.out.flush();
        api.post("invocation/" + event.id + "/response", answer, null);
    }

    static Map<String, Object> map(Object... pairs) {
        Map<String, Object> made = new LinkedHashMap<>();
        for (int at = 0; at < pairs.length; at += 2) made.put((String) pairs[at], pairs[at + 1]);
        return made;
    }
}
