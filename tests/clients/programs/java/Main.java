import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.List;

/** A round trip by PostgreSQL's JDBC driver; the argument is the URL. */
public class Main {
    public static void main(String[] arguments) throws Exception {
        try (var connection = DriverManager.getConnection(arguments[0])) {
            try (var statement = connection.createStatement()) {
                statement.execute("CREATE TABLE fruits (id serial PRIMARY KEY, name text)");
            }
            try (var insert = connection.prepareStatement("INSERT INTO fruits (name) VALUES (?)")) {
                for (var name : List.of("Äpfel", "Birnen")) {
                    insert.setString(1, name);
                    insert.addBatch();
                }
                insert.executeBatch();
            }
            var names = new ArrayList<String>();
            try (var rows = connection.createStatement().executeQuery("SELECT name FROM fruits")) {
                while (rows.next()) {
                    names.add(rows.getString(1));
                }
            }
            if (!names.equals(List.of("Äpfel", "Birnen"))) {
                throw new AssertionError(names);
            }
        }
    }
}
