import websocket
import json
def on_message(ws, message):
    data = json.loads(message)
    if data.get('type') == 'transcript_created':
        transcript = data['data']
        direction = transcript['direction']
        text = transcript['message']
        print(f"[{direction}] {text}")
        # Process transcription in real-time
        # - Display in UI
        # - Run sentiment analysis
        # - Detect keywords
def on_open(ws):
    # Subscribe to transcription events (prefix match, no wildcard)
    subscription = {
        "type": "subscribe",
        "topics": [
            "customer_id:12345678-1234-1234-1234-123456789012:transcript:",
            "customer_id:12345678-1234-1234-1234-123456789012:transcribe:"
        ]
    }
    ws.send(json.dumps(subscription))
    print("Subscribed to transcription events")
token = "<YOUR_AUTH_TOKEN>"
ws_url = f"wss://api.voipbin.net/v1.0/ws?token={token}"
ws = websocket.WebSocketApp(
    ws_url,
    on_open=on_open,
    on_message=on_message
)
ws.run_forever()
