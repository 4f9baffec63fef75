"""Signs in two threads: ``two_threads.py COUNT SESSIONS MODULE=SERIAL=LABEL…``; a PIN a line on standard input.

One token: both threads share its login. A process of its own, so that a crash inside the module is seen as one.
Prints how many signatures were made; each was verified with the certificate on the token.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from lienthong.signing.pkcs11 import open_module
from lienthong.signing.pkcs11_keys import TokenSigningKey, key_of
from lienthong.signing.tokens import TokenAddress


def main() -> None:
    number, seats, *places = sys.argv[1:]
    keys = [opened(place, sys.stdin.readline().strip(), int(seats)) for place in places]
    start = Barrier(2)
    with ThreadPoolExecutor(2) as threads:
        made = [threads.submit(many, keys[i % len(keys)], int(number), start) for i in range(2)]
        print(sum(part.result() for part in made))
    for key in keys:
        key.session.logout()


def opened(place: str, pin: str, seats: int) -> TokenSigningKey:
    module, serial, label = place.split("=")
    session = open_module(module).login(TokenAddress(module=module, serial=serial), pin, seats=seats)
    return key_of(session, label=label)


def many(key: TokenSigningKey, number: int, start: Barrier) -> int:
    start.wait(20)
    return sum(bool(key.sign(b"van ban %d" % turn)) for turn in range(number))


if __name__ == "__main__":
    main()
