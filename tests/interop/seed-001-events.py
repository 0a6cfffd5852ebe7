"""Receives events in both ways of document 001: by WebSocket with its subscribe frame, word for word, and by webhook."""
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import websocket

HOST, TOKEN, CUSTOMER, FRAME = sys.argv[1:5]


def tell(*words):
    # One write a line: two threads tell, and print() writes every word by itself.
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


class Webhook(BaseHTTPRequestHandler):
    def do_POST(self):
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()
        tell("webhook", payload["type"], payload["data"]["id"])

    def log_message(self, *args):
        pass


def on_open(ws):
    ws.send(open(FRAME, encoding="utf-8").read().replace("<your-customer-id>", CUSTOMER))
    # Answered after the subscription before it has taken hold.
    ws.send(json.dumps({"type": "subscriptions"}))


def on_message(ws, message):
    event = json.loads(message)
    if event["type"] == "subscriptions":
        tell("subscribed", *event["topics"])
    else:
        tell("socket", event["type"], event["data"]["id"])


server = HTTPServer(("127.0.0.1", 0), Webhook)
threading.Thread(target=server.serve_forever, daemon=True).start()
tell("listening", server.server_port)
websocket.WebSocketApp(f"ws://{HOST}/v1.0/ws?token={TOKEN}", on_open=on_open, on_message=on_message).run_forever()
