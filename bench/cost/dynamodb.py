"""DynamoDB in memory that counts capacity units: just what the adapters use of it.

Conditions are checked. Each call counts as DynamoDB bills it: a write by the larger of the item
before and after it, in KB; a read by what it reads, in units of 4 KB, of which an eventually
consistent one costs half. What the adapters do not use raises an error.
"""

import re
from bisect import bisect_left, insort
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from itertools import islice
from math import ceil
from typing import Any

from botocore.exceptions import ClientError

from bench.aws import Paginator
from bench.cost.prices import READS, WRITES
from bench.cost.usage import Meter, Units
from bench.idle import KEYS, item_bytes

type Item = dict[str, Any]

WRITE_BYTES, READ_BYTES = 1024, 4096
OVERHEAD_BYTES = 100
"""What DynamoDB stores with each item beyond its names and values."""


class CountingDynamoDB:
    """The client of DynamoDB; calls of some tables may not count.

    A call sleeps for `seconds`, which may be none, so that other calls run; None: it does not.
    """

    def __init__(
        self, meter: Meter, seconds: float | None = None, uncounted: Collection[str] = ()
    ) -> None:
        self._meter = meter
        self.seconds = seconds
        self._uncounted = uncounted
        self._tables: dict[str, dict[str, _Partition]] = {name: {} for name in KEYS}

    def stored_bytes(self, table: str) -> int:
        """Return the size of a table, as storage is billed."""
        return sum(part.stored_bytes for part in self._tables[table].values())

    def get_item(self, **call: Any) -> dict[str, Any]:
        stored = self._partition(call, call["Key"]).get(self._sort(call, call["Key"]))
        self._read("GetItem", call, item_bytes(stored) if stored else 0)
        return {"Item": dict(stored)} if stored else {}

    def put_item(self, **call: Any) -> dict[str, Any]:
        item = call["Item"]
        self._write("PutItem", call, item, lambda _: dict(item))
        return {}

    def update_item(self, **call: Any) -> dict[str, Any]:
        def updated(stored: Item) -> Item:
            return _updated({**call["Key"], **stored}, call)

        self._write("UpdateItem", call, call["Key"], updated)
        return {}

    def delete_item(self, **call: Any) -> dict[str, Any]:
        partition, sort = self._partition(call, call["Key"]), self._sort(call, call["Key"])
        stored = partition.get(sort)
        partition.remove(sort)
        self._count_write("DeleteItem", call, item_bytes(stored) if stored else 0)
        return {"Attributes": stored} if stored else {}

    def transact_write_items(self, **call: Any) -> dict[str, Any]:
        """Write all or nothing; each write of a transaction costs twice its units."""
        writes = [next(iter(write.items())) for write in call["TransactItems"]]
        places = [(kind, write, *self._place(kind, write)) for kind, write in writes]
        if not all(_holds(write, part.get(sort) or {}) for _, write, part, sort in places):
            reasons = [{"Code": "ConditionalCheckFailed"}]
            reply: Any = {"Error": {"Code": "TransactionCanceledException", "Message": "."}}
            raise ClientError(reply | {"CancellationReasons": reasons}, "TransactWriteItems")
        for kind, write, partition, sort in places:
            size = item_bytes(write["Item"] if kind == "Put" else partition.get(sort) or {})
            if kind == "Put":
                partition.put(sort, write["Item"])
            else:
                partition.remove(sort)
            self._count_write("TransactWriteItems", write, size)
            self._count_write("TransactWriteItems", write, size)
        return {}

    def _place(self, kind: str, write: dict[str, Any]) -> tuple["_Partition", str]:
        key = write["Item"] if kind == "Put" else write["Key"]
        return self._partition(write, key), self._sort(write, key)

    def batch_write_item(self, **call: Any) -> dict[str, Any]:
        ((table, writes),) = call["RequestItems"].items()
        items = [write["PutRequest"]["Item"] for write in writes]
        for item in items:
            named = {"TableName": table}
            self._partition(named, item).put(self._sort(named, item), item)
        units = sum(ceil(item_bytes(item) / WRITE_BYTES) for item in items)
        self._use(table, {WRITES: units}, "BatchWriteItem")
        return {"UnprocessedItems": {}}

    def query(self, **call: Any) -> dict[str, Any]:
        partition_name, sort_name = KEYS[call["TableName"]]
        names = {"#" + sort_name: sort_name, **call.get("ExpressionAttributeNames", {})}
        values = call["ExpressionAttributeValues"]
        first, _, rest = call["KeyConditionExpression"].partition(" AND ")
        name, _, value = first.partition(" = ")
        if name != partition_name:
            raise NotImplementedError(first)
        key = values[value]["S"]
        partition = self._tables[call["TableName"]].get(key, _Partition())
        found = list(islice(partition.between(*_range(rest, names, values)), call.get("Limit")))
        self._read("Query", call, sum(map(item_bytes, found)))
        return {"Items": [dict(item) for item in found]}

    def get_paginator(self, _: str) -> Paginator:
        return Paginator(self.query)

    def _partition(self, call: Mapping[str, Any], key: Item) -> "_Partition":
        name = key[KEYS[call["TableName"]][0]]["S"]
        return self._tables[call["TableName"]].setdefault(name, _Partition())

    @staticmethod
    def _sort(call: Mapping[str, Any], key: Item) -> str:
        return str(key[KEYS[call["TableName"]][1]]["S"])

    def _write(self, operation: str, call: dict[str, Any], key: Item, change: Any) -> None:
        partition, sort = self._partition(call, key), self._sort(call, key)
        stored = partition.get(sort)
        before = item_bytes(stored) if stored else 0
        if not _holds(call, stored or {}):
            self._count_write(operation, call, before)
            reply: Any = {"Error": {"Code": "ConditionalCheckFailedException", "Message": "."}}
            raise ClientError(reply | ({"Item": stored} if stored else {}), operation)
        after = change(stored or {})
        partition.put(sort, after)
        self._count_write(operation, call, max(before, item_bytes(after)))

    def _count_write(self, operation: str, call: Mapping[str, Any], size: int) -> None:
        units = max(1, ceil(size / WRITE_BYTES))
        self._use(call["TableName"], {WRITES: units}, operation)

    def _read(self, operation: str, call: Mapping[str, Any], size: int) -> None:
        units = max(1, ceil(size / READ_BYTES)) * (1.0 if call.get("ConsistentRead") else 0.5)
        self._use(call["TableName"], {READS: units}, operation)

    def _use(self, table: str, units: Units, operation: str) -> None:
        if table not in self._uncounted:
            self._meter.use(units, operation)
            if self.seconds is not None:
                self._meter.clock.sleep(self.seconds)


class _Partition:
    """The items of a partition, in order."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._sorts: list[str] = []

    @property
    def stored_bytes(self) -> int:
        return sum(item_bytes(item) + OVERHEAD_BYTES for item in self._items.values())

    def get(self, sort: str) -> Item | None:
        return self._items.get(sort)

    def put(self, sort: str, item: Item) -> None:
        if sort not in self._items:
            insort(self._sorts, sort)
        self._items[sort] = item

    def remove(self, sort: str) -> None:
        if self._items.pop(sort, None) is not None:
            self._sorts.remove(sort)

    def between(self, first: str, last: str | None) -> Iterator[Item]:
        """Yield the items from `first` to `last`, both included; None: to the end."""
        for sort in self._sorts[bisect_left(self._sorts, first) :]:
            if last is not None and sort > last:
                return
            yield self._items[sort]


def _range(
    condition: str, names: Mapping[str, str], values: Mapping[str, Any]
) -> tuple[str, str | None]:
    """Return the first and the last key of a condition on a sort key."""
    if not condition:
        return "", None
    if found := re.fullmatch(r"begins_with\((\S+), (:\w+)\)", condition):
        first = values[found[2]]["S"]
        last = first + chr(0x10FFFF)
    elif found := re.fullmatch(r"(\S+) BETWEEN (:\w+) AND (:\w+)", condition):
        first, last = values[found[2]]["S"], values[found[3]]["S"]
    elif found := re.fullmatch(r"(\S+) >= (:\w+)", condition):
        first, last = values[found[2]]["S"], None
    else:
        raise NotImplementedError(condition)
    if found[1] not in names and found[1] not in names.values():
        raise NotImplementedError(condition)
    return first, last


def _holds(call: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Return whether a write's condition holds."""
    condition = call.get("ConditionExpression")
    names = call.get("ExpressionAttributeNames", {})
    values = call.get("ExpressionAttributeValues", {})
    for function, name, value in _clauses(condition) if condition else ():
        attribute = names.get(name, name)
        match function:
            case "attribute_exists":
                holds = attribute in stored
            case "attribute_not_exists":
                holds = attribute not in stored
            case _:
                holds = stored.get(attribute) == values[value]
        if not holds:
            return False
    return True


@cache
def _clauses(condition: str) -> tuple[tuple[str, str, str], ...]:
    """Return a condition's clauses: function, name and value, of which one is empty."""
    clauses = []
    for clause in condition.split(" AND "):
        found = re.fullmatch(r"(?:(attribute_(?:not_)?exists)\((\S+)\)|(\S+) = (:\w+))", clause)
        if not found:
            raise NotImplementedError(condition)
        clauses.append((found[1] or "", found[2] or found[3], found[4] or ""))
    return tuple(clauses)


def _updated(item: Item, call: Mapping[str, Any]) -> Item:
    """Return an item after an update expression."""
    names = call.get("ExpressionAttributeNames", {})
    values = call.get("ExpressionAttributeValues", {})
    sets, removes = _assignments(call["UpdateExpression"])
    new = {names.get(name, name): _value(term, item, values) for name, term in sets}
    removed = {names.get(name, name) for name in removes}
    return {name: value for name, value in {**item, **new}.items() if name not in removed}


@cache
def _assignments(expression: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return what an update expression sets, and the names that it removes."""
    found = re.fullmatch(r"(?:SET (.*?))? ?(?:REMOVE (.*))?", expression)
    if not found:
        raise NotImplementedError(expression)
    sets = [part.split(" = ") for part in found[1].split(", ")] if found[1] else []
    return tuple((name, term) for name, term in sets), tuple(
        found[2].split(", ") if found[2] else ()
    )


def _value(term: str, item: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    if term in values:
        return values[term]
    left, operator, right = term.split(" ")
    difference = int(item[left]["N"]) - int(values[right]["N"])
    if operator != "-":
        raise NotImplementedError(term)
    return {"N": str(difference)}
