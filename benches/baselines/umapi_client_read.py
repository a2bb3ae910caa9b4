"""Reads all users with Adobe's client, and reads every field of each."""

import json

from umapi_client import UsersQuery

from umapi_client_connect import connect

TEXTS = ("id", "email", "status", "username", "domain", "firstname", "lastname", "country", "type")
LISTS = ("groups", "tags", "adminRoles")
FLAGS = ("orgSpecific", "businessAccount")


def main():
    users = texts = characters = flags = 0
    for user in UsersQuery(connect()):
        users += 1
        for field in TEXTS:
            text = user.get(field)
            if text is not None:
                texts += 1
                characters += len(text)
        for field in LISTS:
            for text in user.get(field, ()):
                texts += 1
                characters += len(text)
        for field in FLAGS:
            flags += user.get(field) is True
    print(json.dumps({"users": users, "texts": texts, "flags": flags, "characters": characters}))


main()
