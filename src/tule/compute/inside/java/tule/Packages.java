package tule;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Where a function's classes are: its package, its own libraries, those of layers, and last what AWS's runtime brings. */
final class Packages {
    private Packages() {}

    static ClassLoader loader(String api) throws MalformedURLException {
        String task = System.getenv("LAMBDA_TASK_ROOT");
        List<URL> places = new ArrayList<>();
        places.add(new File(task + "/").toURI().toURL());
        libraries(places, task + "/lib");
        libraries(places, System.getProperty("tule.opt", "/opt") + "/java/lib");
        libraries(places, task); // a jar that was put into a package as it is
        places.add(new File(api + "/").toURI().toURL());
        return new URLClassLoader(places.toArray(new URL[0]), Packages.class.getClassLoader());
    }

    /** In the order of their names, as AWS loads them. */
    private static void libraries(List<URL> places, String directory) throws MalformedURLException {
        File[] found = new File(directory).listFiles((folder, name) -> name.endsWith(".jar"));
        if (found == null) return;
        Arrays.sort(found);
        for (File each : found) places.add(each.toURI().toURL());
    }
}
