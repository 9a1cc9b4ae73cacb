<?php
// Sends one request with the library that is named, to the URL in TARGET, and prints the
// response.
$url = getenv('TARGET');
$body = getenv('BODY');

switch ($argv[1]) {
    case 'guzzle':
        require 'GuzzleHttp/autoload.php';
        $client = new GuzzleHttp\Client();
        echo $client->post($url, ['body' => $body])->getBody(), "\n";
        break;
    case 'curl':
        $handle = curl_init($url);
        curl_setopt_array($handle, [CURLOPT_POSTFIELDS => $body, CURLOPT_RETURNTRANSFER => true]);
        $text = curl_exec($handle);
        echo $text === false ? curl_error($handle) : $text, "\n";
        break;
    default: // streams
        $context = stream_context_create(['http' => ['method' => 'POST', 'content' => $body]]);
        echo file_get_contents($url, false, $context), "\n";
}
