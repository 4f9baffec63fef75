"""Makes key pairs on a token: ``key_maker.py MODULE LABEL NAME=KIND:ID…``; the PIN on standard input.

A process of its own, because SOFTHSM2_CONF and the module's state belong to the whole process. Prints one line of
base64 for each key: its public half, DER.
"""

import sys
from base64 import b64encode

import pkcs11
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
from pkcs11.util.rsa import encode_rsa_public_key


def main() -> None:
    module, label, *wanted = sys.argv[1:]
    token = pkcs11.lib(module).get_token(token_label=label)
    with token.open(rw=True, user_pin=sys.stdin.readline().strip()) as session:
        for spec in wanted:
            name, _, rest = spec.partition("=")
            kind, key_id = rest.split(":")
            print(b64encode(made(session, name, kind, bytes.fromhex(key_id))).decode())


def made(session: pkcs11.Session, name: str, kind: str, key_id: bytes) -> bytes:
    if kind.isdigit():
        public, _ = session.generate_keypair(pkcs11.KeyType.RSA, int(kind), id=key_id, label=name, store=True)
        return encode_rsa_public_key(public)
    curve = encode_named_curve_parameters(kind)
    parameters = session.create_domain_parameters(pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: curve}, local=True)
    public, _ = parameters.generate_keypair(id=key_id, label=name, store=True)
    return encode_ec_public_key(public)


if __name__ == "__main__":
    main()
