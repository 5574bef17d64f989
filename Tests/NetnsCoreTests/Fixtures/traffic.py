import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for address in sys.argv[1:]:
    for n in range(20):
        try: s.sendto(b"x" * (100 + n), (address, 9))
        except OSError: pass
