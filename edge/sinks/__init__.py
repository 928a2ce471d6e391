"""Where results leave the device: MQTT, video files, lines of JSON. Nothing here decides what is said or drawn."""
