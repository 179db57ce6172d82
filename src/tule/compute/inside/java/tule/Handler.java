package tule;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * A function's method, found by `package.Class::method`, or by `package.Class` whose `handleRequest` it is then.
 *
 * <p>AWS: https://docs.aws.amazon.com/lambda/latest/dg/java-handler.html
 */
final class Handler {
    private static final String CONTEXT = "com.amazonaws.services.lambda.runtime.Context";
    private final Object target;
    private final Method method;
    private final Type[] types; // of its parameters, as its class binds them
    private final Log log;

    private Handler(Object target, Method method, Type[] types, Log log) {
        this.target = target;
        this.method = method;
        this.types = types;
        this.log = log;
    }

    static Handler load(String name, ClassLoader loader, Log log) throws Exception {
        int colons = name.indexOf("::");
        String className = colons < 0 ? name : name.substring(0, colons);
        String methodName = colons < 0 ? "handleRequest" : name.substring(colons + 2);
        Class<?> type;
        try {
            type = Class.forName(className, true, loader);
        } catch (ClassNotFoundException error) {
            throw new ClassNotFoundException("Class not found: " + className, error.getCause());
        }
        Method method = method(type, methodName, colons < 0);
        method.setAccessible(true);
        Object target = Modifier.isStatic(method.getModifiers()) ? null : instance(type);
        Map<TypeVariable<?>, Type> bound = new HashMap<>();
        bind(type, bound);
        Type[] types = method.getGenericParameterTypes();
        for (int at = 0; at < types.length; at++) types[at] = resolved(types[at], bound);
        return new Handler(target, method, types, log);
    }

    private static Object instance(Class<?> type) throws Exception {
        Constructor<?> constructor;
        try {
            constructor = type.getDeclaredConstructor();
        } catch (NoSuchMethodException error) {
            throw new Exception("Class " + type.getName() + " has no public zero-argument constructor", error);
        }
        constructor.setAccessible(true);
        return constructor.newInstance();
    }

    /** The one with most parameters. */
    private static Method method(Class<?> type, String name, boolean byInterface) throws NoSuchMethodException {
        Method best = null;
        for (Method each : type.getMethods()) {
            if (!each.getName().equals(name) || !fits(each)) continue;
            boolean better = best == null || each.getParameterCount() > best.getParameterCount();
            if (better || (best.isBridge() && each.getParameterCount() == best.getParameterCount())) best = each;
        }
        if (best != null) return best.isBridge() ? bridged(best) : best;
        String text = byInterface ? "Class " + type.getName() + " does not implement an appropriate handler interface."
                : "No public method named " + name + " with appropriate method signature found on class " + type.getName();
        throw new NoSuchMethodException(text);
    }

    /** What a method stands for that a compiler made, because the superclass that has the real one is not public. */
    private static Method bridged(Method bridge) {
        for (Class<?> type = bridge.getDeclaringClass(); type != null; type = type.getSuperclass()) {
            for (Method each : type.getDeclaredMethods()) {
                boolean same = each.getName().equals(bridge.getName()) && Arrays.equals(each.getParameterTypes(), bridge.getParameterTypes());
                if (same && !each.isBridge()) return each;
            }
        }
        return bridge;
    }

    private static boolean fits(Method method) {
        Class<?>[] parameters = method.getParameterTypes();
        int count = parameters.length;
        if (count > 0 && parameters[count - 1].getName().equals(CONTEXT)) count--;
        return count <= 1 || (count == 2 && parameters[0] == InputStream.class && parameters[1] == OutputStream.class);
    }

    byte[] handle(RuntimeApi.Event event) throws Exception {
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        boolean writes = false;
        Object[] arguments = new Object[types.length];
        Class<?>[] parameters = method.getParameterTypes();
        for (int at = 0; at < types.length; at++) {
            if (parameters[at].getName().equals(CONTEXT)) {
                arguments[at] = LambdaContext.of(event, parameters[at], log);
            } else if (parameters[at] == InputStream.class) {
                arguments[at] = new ByteArrayInputStream(event.body);
            } else if (parameters[at] == OutputStream.class) {
                arguments[at] = output;
                writes = true;
            } else {
                arguments[at] = input(event, types[at]);
            }
        }
        Object result = method.invoke(target, arguments);
        if (writes) return output.toByteArray();
        return result instanceof InputStream ? ((InputStream) result).readAllBytes() : Json.bytes(result);
    }

    private static Object input(RuntimeApi.Event event, Type type) {
        try {
            return Binding.bound(Json.parse(new String(event.body, StandardCharsets.UTF_8)), type);
        } catch (IllegalArgumentException error) {
            throw new RuntimeException("An error occurred during JSON parsing", error);
        }
    }

    /** Which types the variables of all superclasses and interfaces stand for. */
    private static void bind(Class<?> type, Map<TypeVariable<?>, Type> bound) {
        for (Type each : type.getGenericInterfaces()) bindOne(each, bound);
        if (type.getGenericSuperclass() != null) bindOne(type.getGenericSuperclass(), bound);
    }

    private static void bindOne(Type type, Map<TypeVariable<?>, Type> bound) {
        if (type instanceof ParameterizedType) {
            Class<?> raw = (Class<?>) ((ParameterizedType) type).getRawType();
            Type[] given = ((ParameterizedType) type).getActualTypeArguments();
            TypeVariable<?>[] variables = raw.getTypeParameters();
            for (int at = 0; at < variables.length; at++) bound.put(variables[at], resolved(given[at], bound));
            bind(raw, bound);
        } else if (type instanceof Class) {
            bind((Class<?>) type, bound);
        }
    }

    private static Type resolved(Type type, Map<TypeVariable<?>, Type> bound) {
        while (type instanceof TypeVariable && bound.containsKey(type)) type = bound.get(type);
        return type instanceof TypeVariable ? Object.class : type;
    }
}
