package tule;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Date;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Parsed JSON to objects of a handler's parameter types, and objects to their properties. Names are matched without regard to case, as
 * events spell `Records` and `eventSourceARN` what classes call `records` and `eventSourceArn`.
 */
final class Binding {
    private static final Map<Class<?>, Class<?>> BOXES = Map.of(int.class, Integer.class, long.class, Long.class, double.class, Double.class,
            float.class, Float.class, short.class, Short.class, byte.class, Byte.class, boolean.class, Boolean.class, char.class, Character.class);

    private Binding() {}

    static Object bound(Object value, Type type) {
        if (type instanceof WildcardType) return bound(value, ((WildcardType) type).getUpperBounds()[0]);
        if (type instanceof ParameterizedType) {
            ParameterizedType generic = (ParameterizedType) type;
            return bound(value, (Class<?>) generic.getRawType(), generic.getActualTypeArguments());
        }
        return type instanceof Class ? bound(value, (Class<?>) type, new Type[0]) : value;
    }

    private static Object bound(Object value, Class<?> type, Type[] of) {
        if (type.isPrimitive()) return value == null ? Array.get(Array.newInstance(type, 1), 0) : scalar(value, BOXES.get(type));
        if (type == Optional.class) return Optional.ofNullable(bound(value, of.length > 0 ? of[0] : Object.class));
        if (value == null) return null;
        if (type == Object.class) return value;
        if (Map.class.isAssignableFrom(type)) return map(value, type, of);
        if (Collection.class.isAssignableFrom(type) || type == Iterable.class) return collection(value, type, of);
        if (type.isArray() && type != byte[].class) return array((List<?>) wanted(value, List.class), type.getComponentType());
        Object simple = scalar(value, type);
        if (simple != null) return simple;
        if (value instanceof Map) return object((Map<?, ?>) value, type);
        return text(value, type);
    }

    private static <T> T wanted(Object value, Class<T> kind) {
        if (!kind.isInstance(value)) throw new IllegalArgumentException("Cannot deserialize " + Json.class.getSimpleName() + " value " + value);
        return kind.cast(value);
    }

    @SuppressWarnings("unchecked")
    private static Object map(Object value, Class<?> type, Type[] of) {
        Map<Object, Object> made = type.isInterface() || Modifier.isAbstract(type.getModifiers())
                ? (SortedMap.class.isAssignableFrom(type) ? new TreeMap<>() : new LinkedHashMap<>()) : (Map<Object, Object>) create(type);
        for (Map.Entry<?, ?> each : ((Map<?, ?>) wanted(value, Map.class)).entrySet()) {
            Object key = of.length == 2 ? bound(each.getKey(), of[0]) : each.getKey();
            made.put(key, of.length == 2 ? bound(each.getValue(), of[1]) : each.getValue());
        }
        return made;
    }

    @SuppressWarnings("unchecked")
    private static Object collection(Object value, Class<?> type, Type[] of) {
        Collection<Object> made;
        if (!type.isInterface() && !Modifier.isAbstract(type.getModifiers())) made = (Collection<Object>) create(type);
        else if (SortedSet.class.isAssignableFrom(type)) made = new TreeSet<>();
        else if (Set.class.isAssignableFrom(type)) made = new LinkedHashSet<>();
        else made = new ArrayList<>();
        for (Object each : wanted(value, List.class)) made.add(of.length == 1 ? bound(each, of[0]) : each);
        return made;
    }

    private static Object array(List<?> values, Class<?> of) {
        Object made = Array.newInstance(of, values.size());
        for (int at = 0; at < values.size(); at++) Array.set(made, at, bound(values.get(at), of));
        return made;
    }

    /** Null for what is no simple type. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    private static Object scalar(Object value, Class<?> type) {
        if (type == String.class) return value instanceof Map || value instanceof List ? wanted(value, String.class) : String.valueOf(value);
        if (type == Boolean.class) return value instanceof String ? Boolean.valueOf((String) value) : wanted(value, Boolean.class);
        if (type == Character.class) return String.valueOf(value).charAt(0);
        if (type.isEnum()) return Enum.valueOf((Class<? extends Enum>) type, String.valueOf(value));
        if (type == byte[].class) return Base64.getDecoder().decode(String.valueOf(value));
        if (type == ByteBuffer.class) return ByteBuffer.wrap(Base64.getDecoder().decode(String.valueOf(value)));
        if (type == Date.class && value instanceof Number) return date((Number) value);
        if (Number.class.isAssignableFrom(type)) return number(value instanceof Number ? new BigDecimal(value.toString()) : new BigDecimal(String.valueOf(value)), type);
        return null;
    }

    /** Events count in seconds, objects that were written by us in milliseconds. */
    private static Date date(Number value) {
        double number = value.doubleValue();
        return new Date(Math.round(Math.abs(number) < 1e11 ? number * 1000 : number));
    }

    private static Object number(BigDecimal value, Class<?> type) {
        if (type == Integer.class) return value.intValue();
        if (type == Long.class) return value.longValue();
        if (type == Double.class) return value.doubleValue();
        if (type == Float.class) return value.floatValue();
        if (type == Short.class) return value.shortValue();
        if (type == Byte.class) return value.byteValue();
        if (type == BigInteger.class) return value.toBigInteger();
        return value;
    }

    /** Types that are written as one text: times, identifiers, and whatever else can be made of one. */
    static boolean isText(Class<?> type) {
        return type.getName().startsWith("java.time.") || type.getName().startsWith("org.joda.time.") || type.getName().startsWith("java.net.UR")
                || type == java.util.UUID.class || type == Class.class || type == java.util.Locale.class;
    }

    private static Object text(Object value, Class<?> type) {
        String said = String.valueOf(value);
        for (String name : new String[] {"parse", "fromString", "of", "valueOf", "create"}) {
            for (Class<?> from : new Class<?>[] {CharSequence.class, String.class}) {
                try {
                    Method method = type.getMethod(name, from);
                    if (Modifier.isStatic(method.getModifiers()) && type.isAssignableFrom(method.getReturnType())) return method.invoke(null, said);
                } catch (NoSuchMethodException | IllegalAccessException error) {
                    continue;
                } catch (InvocationTargetException error) {
                    throw new IllegalArgumentException(said + " is no " + type.getName(), error.getCause());
                }
            }
        }
        try {
            return type.getConstructor(String.class).newInstance(said);
        } catch (ReflectiveOperationException error) {
            throw new IllegalArgumentException("Cannot deserialize " + said + " as " + type.getName(), error);
        }
    }

    private static Object object(Map<?, ?> values, Class<?> type) {
        if (isRecord(type)) return record(values, type);
        Object made = create(type);
        Map<String, Method> setters = new HashMap<>();
        for (Method each : type.getMethods()) {
            if (each.getName().startsWith("set") && each.getName().length() > 3 && each.getParameterCount() == 1 && !each.isBridge()) {
                setters.put(lower(each.getName().substring(3)), each);
            }
        }
        Map<String, Field> fields = new HashMap<>();
        for (Class<?> each = type; each != null && each != Object.class; each = each.getSuperclass()) {
            for (Field field : each.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers())) fields.putIfAbsent(lower(field.getName()), field);
            }
        }
        for (Map.Entry<?, ?> each : values.entrySet()) {
            String name = lower(String.valueOf(each.getKey()).replace("-", "").replace("_", ""));
            Method setter = setters.get(name);
            Field field = fields.get(name);
            if (setter != null) set(made, setter, each.getValue());
            else if (field != null) set(made, field, each.getValue());
        }
        return made;
    }

    private static void set(Object target, Method setter, Object value) {
        try {
            setter.setAccessible(true);
            setter.invoke(target, bound(value, setter.getGenericParameterTypes()[0]));
        } catch (ReflectiveOperationException error) {
            throw new IllegalArgumentException(setter + " cannot be called", error);
        }
    }

    private static void set(Object target, Field field, Object value) {
        try {
            field.setAccessible(true);
            field.set(target, bound(value, field.getGenericType()));
        } catch (ReflectiveOperationException error) {
            throw new IllegalArgumentException(field + " cannot be set", error);
        }
    }

    /** By its constructor without parameters; a class that has none gets its fields set one by one, as events' classes need it. */
    private static Object create(Class<?> type) {
        try {
            Constructor<?> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (NoSuchMethodException error) {
            return unconstructed(type);
        } catch (ReflectiveOperationException error) {
            throw new IllegalArgumentException(type.getName() + " cannot be created", error);
        }
    }

    private static Object unconstructed(Class<?> type) {
        try {
            Class<?> unsafe = Class.forName("sun.misc.Unsafe");
            Field field = unsafe.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            return unsafe.getMethod("allocateInstance", Class.class).invoke(field.get(null), type);
        } catch (ReflectiveOperationException error) {
            throw new IllegalArgumentException(type.getName() + " has no constructor without parameters", error);
        }
    }

    private static boolean isRecord(Class<?> type) {
        return type.getSuperclass() != null && type.getSuperclass().getName().equals("java.lang.Record");
    }

    private static Object record(Map<?, ?> values, Class<?> type) {
        Map<String, Object> byName = new HashMap<>();
        values.forEach((name, value) -> byName.put(lower(String.valueOf(name)), value));
        List<Class<?>> kinds = new ArrayList<>();
        List<Object> parts = new ArrayList<>();
        for (Field field : type.getDeclaredFields()) {
            if (Modifier.isStatic(field.getModifiers())) continue;
            kinds.add(field.getType());
            parts.add(bound(byName.get(lower(field.getName())), field.getGenericType()));
        }
        try {
            Constructor<?> constructor = type.getDeclaredConstructor(kinds.toArray(new Class<?>[0]));
            constructor.setAccessible(true);
            return constructor.newInstance(parts.toArray());
        } catch (ReflectiveOperationException error) {
            throw new IllegalArgumentException(type.getName() + " cannot be created", error);
        }
    }

    /** What getters say, in the order of the fields behind them; then public fields. */
    static Map<String, Object> properties(Object value) {
        Class<?> type = value.getClass();
        Map<String, Object> found = new LinkedHashMap<>();
        Set<String> done = new HashSet<>();
        Map<String, Method> getters = getters(type);
        for (Class<?> each = type; each != null && each != Object.class; each = each.getSuperclass()) {
            for (Field field : each.getDeclaredFields()) {
                Method getter = getters.get(lower(field.getName()));
                if (Modifier.isStatic(field.getModifiers()) || done.contains(lower(field.getName()))) continue;
                if (getter != null && done.add(lower(field.getName()))) found.put(isRecord(type) ? field.getName() : property(getter), said(value, getter));
                else if (Modifier.isPublic(field.getModifiers()) && done.add(lower(field.getName()))) found.put(field.getName(), said(value, field));
            }
        }
        getters.forEach((name, getter) -> {
            if (done.add(name)) found.put(property(getter), said(value, getter));
        });
        return found;
    }

    private static Map<String, Method> getters(Class<?> type) {
        Map<String, Method> found = new TreeMap<>();
        for (Method each : type.getMethods()) {
            if (each.getParameterCount() > 0 || Modifier.isStatic(each.getModifiers()) || each.getReturnType() == void.class) continue;
            if (each.getDeclaringClass() == Object.class || each.isBridge()) continue;
            String name = each.getName();
            if (name.startsWith("get") && name.length() > 3) found.put(lower(name.substring(3)), each);
            else if (name.startsWith("is") && name.length() > 2 && each.getReturnType() == boolean.class) found.put(lower(name.substring(2)), each);
            else if (isRecord(type) && !name.equals("toString") && !name.equals("hashCode")) found.putIfAbsent(lower(name), each);
        }
        return found;
    }

    /** As Jackson does: `getId` is `id`, `getURLPath` is `urlpath`. */
    private static String property(Method getter) {
        String name = getter.getName().substring(getter.getName().startsWith("is") ? 2 : 3);
        int capitals = 0;
        while (capitals < name.length() && Character.isUpperCase(name.charAt(capitals))) capitals++;
        return name.substring(0, capitals).toLowerCase(Locale.ROOT) + name.substring(capitals);
    }

    private static Object said(Object value, Method getter) {
        try {
            getter.setAccessible(true);
            return getter.invoke(value);
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(getter + " failed", error);
        }
    }

    private static Object said(Object value, Field field) {
        try {
            field.setAccessible(true);
            return field.get(value);
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(field + " cannot be read", error);
        }
    }

    private static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
