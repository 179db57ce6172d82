package tule;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * The context object, of whatever version of AWS's interfaces the function brings.
 *
 * <p>AWS: https://docs.aws.amazon.com/lambda/latest/dg/java-context.html
 */
final class LambdaContext implements InvocationHandler {
    private final RuntimeApi.Event event;
    private final ClassLoader loader;
    private final Log log;

    private LambdaContext(RuntimeApi.Event event, ClassLoader loader, Log log) {
        this.event = event;
        this.loader = loader;
        this.log = log;
    }

    static Object of(RuntimeApi.Event event, Class<?> type, Log log) {
        ClassLoader loader = type.getClassLoader();
        return proxy(type, loader, new LambdaContext(event, loader, log));
    }

    static Object logger(ClassLoader loader, Log log) {
        return proxied(loader, "LambdaLogger", (self, method, arguments) -> {
            if (!method.getName().equals("log")) return ordinary(self, method, arguments);
            String message = arguments[0] instanceof byte[] ? new String((byte[]) arguments[0], StandardCharsets.UTF_8) : (String) arguments[0];
            log.log(message, arguments.length > 1 ? String.valueOf(arguments[1]) : "UNDEFINED");
            return null;
        });
    }

    @Override
    public Object invoke(Object self, Method method, Object[] arguments) throws Throwable {
        switch (method.getName()) {
            case "getAwsRequestId":
                return event.id;
            case "getLogGroupName":
                return System.getenv("AWS_LAMBDA_LOG_GROUP_NAME");
            case "getLogStreamName":
                return System.getenv("AWS_LAMBDA_LOG_STREAM_NAME");
            case "getFunctionName":
                return System.getenv("AWS_LAMBDA_FUNCTION_NAME");
            case "getFunctionVersion":
                return System.getenv("AWS_LAMBDA_FUNCTION_VERSION");
            case "getInvokedFunctionArn":
                return event.header("lambda-runtime-invoked-function-arn");
            case "getMemoryLimitInMB":
                return Integer.parseInt(System.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"));
            case "getRemainingTimeInMillis":
                return (int) Math.max(0, Long.parseLong(event.header("lambda-runtime-deadline-ms")) - System.currentTimeMillis());
            case "getXrayTraceId":
                return event.header("lambda-runtime-trace-id");
            case "getTenantId":
                return event.header("lambda-runtime-aws-tenant-id");
            case "getLogger":
                return logger(loader, log);
            case "getIdentity":
                return identity();
            case "getClientContext":
                return client();
            default:
                return ordinary(self, method, arguments);
        }
    }

    private Object identity() {
        Map<?, ?> told = document("lambda-runtime-cognito-identity");
        return proxied(loader, "CognitoIdentity", answers(told == null ? Map.of() : told, Map.of("getIdentityId", "cognitoIdentityId", "getIdentityPoolId", "cognitoIdentityPoolId")));
    }

    private Object client() {
        Map<?, ?> told = document("lambda-runtime-client-context");
        if (told == null) return null;
        Map<?, ?> details = told.get("client") instanceof Map ? (Map<?, ?>) told.get("client") : Map.of();
        Object inner = proxied(loader, "Client", answers(details, Map.of("getInstallationId", "installation_id", "getAppTitle", "app_title",
                "getAppVersionName", "app_version_name", "getAppVersionCode", "app_version_code", "getAppPackageName", "app_package_name")));
        return proxied(loader, "ClientContext", (self, method, arguments) -> {
            switch (method.getName()) {
                case "getClient":
                    return inner;
                case "getCustom":
                    return told.get("custom");
                case "getEnvironment":
                    return told.get("env");
                default:
                    return ordinary(self, method, arguments);
            }
        });
    }

    private Map<?, ?> document(String header) {
        String text = event.header(header);
        return text == null ? null : (Map<?, ?>) Json.parse(text);
    }

    private static InvocationHandler answers(Map<?, ?> values, Map<String, String> names) {
        return (self, method, arguments) -> {
            String name = names.get(method.getName());
            return name == null ? ordinary(self, method, arguments) : values.get(name);
        };
    }

    private static Object proxied(ClassLoader loader, String name, InvocationHandler handler) {
        try {
            Class<?> type = Class.forName("com.amazonaws.services.lambda.runtime." + name, true, loader);
            return proxy(type, loader, handler);
        } catch (ClassNotFoundException error) {
            throw new IllegalStateException(error);
        }
    }

    private static Object proxy(Class<?> type, ClassLoader loader, InvocationHandler handler) {
        return Proxy.newProxyInstance(loader, new Class<?>[] {type}, handler);
    }

    private static Object ordinary(Object self, Method method, Object[] arguments) {
        switch (method.getName()) {
            case "toString":
                return self.getClass().getInterfaces()[0].getSimpleName();
            case "hashCode":
                return System.identityHashCode(self);
            case "equals":
                return self == arguments[0];
            default:
                return null;
        }
    }
}
