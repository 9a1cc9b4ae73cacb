import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** Sends one request with the class that is named, to the URL in TARGET, and prints the response. */
public class Client {
    public static void main(String[] args) throws Exception {
        URI url = URI.create(System.getenv("TARGET"));
        String body = System.getenv("BODY");
        if (args[0].equals("HttpClient")) {
            HttpRequest request = HttpRequest.newBuilder(url).POST(HttpRequest.BodyPublishers.ofString(body)).build();
            System.out.println(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body());
            return;
        }
        HttpURLConnection connection = (HttpURLConnection) url.toURL().openConnection();
        connection.setDoOutput(true);
        connection.getOutputStream().write(body.getBytes());
        try (InputStream in = connection.getInputStream()) {
            System.out.println(new String(in.readAllBytes()));
        }
    }
}
