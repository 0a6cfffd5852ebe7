"""Receives events in both ways of document 001: by WebSocket with its subscribe frame, word for word, and by webhook."""
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import websocket

HOST, TOKEN, CUSTOMER, FRAME = sys.argv[1:5]


class Webhook(BaseHTTPRequestHandler):
    def do_POST(self):
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()
        print("webhook", payload["type"], payload["data"]["id"], flush=True)

    def log_message(self, *args):
        pass


def on_open(ws):
    ws.send(open(FRAME, encoding="utf-8").read().replace("<your-customer-id>", CUSTOMER))
    # Answered after the subscription before it has taken hold.
    ws.send(json.dumps({"type": "subscriptions"}))


def on_message(ws, message):
    event = json.loads(message)
    if event["type"] == "subscriptions":
        print("subscribed", *event["topics"], flush=True)
    else:
        print("socket", event["type"], event["data"]["id"], flush=True)


server = HTTPServer(("127.0.0.1", 0), Webhook)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("listening", server.server_port, flush=True)
websocket.WebSocketApp(f"ws://{HOST}/v1.0/ws?token={TOKEN}", on_open=on_open, on_message=on_message).run_forever()
