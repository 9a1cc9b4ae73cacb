# Sends one request with the library that is named, to the URL in TARGET, and prints the
# response.
import os
import sys

url, body, library = os.environ["TARGET"], os.environ["BODY"].encode(), sys.argv[1]

if library == "requests":
    import requests

    print(requests.post(url, data=body, timeout=30).text)
elif library == "urllib":
    import urllib.request

    print(urllib.request.urlopen(url, data=body, timeout=30).read().decode())
else:
    import http.client
    import urllib.parse

    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPSConnection(parts.netloc, timeout=30)
    connection.request("POST", parts.path + "?" + parts.query, body)
    print(connection.getresponse().read().decode())
