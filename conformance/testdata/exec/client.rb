# Sends one request with the library that is named, to the URL in TARGET, and prints the
# response.
url, body = ENV.fetch("TARGET"), ENV.fetch("BODY")

if ARGV[0] == "faraday"
  require "faraday"
  puts Faraday.post(url, body).body
else
  require "net/http"
  puts Net::HTTP.post(URI(url), body).body
end
