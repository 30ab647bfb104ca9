"""Names of .NET types: accelerators, what a value is, which exception derives from which."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from secondsite.lab.powershell.values import (
    CUSTOM_OBJECT,
    Char,
    ErrorRecord,
    Int64,
    PsEnum,
    PsException,
    PsHashtable,
    PsList,
    PsObject,
    PsVersion,
    ScriptBlock,
)
from secondsite.lab.powershell.wording import words

ACCELERATORS: Final[Mapping[str, str]] = {
    "array": "System.Array",
    "bool": "System.Boolean",
    "byte": "System.Byte",
    "char": "System.Char",
    "datetime": "System.DateTime",
    "decimal": "System.Decimal",
    "double": "System.Double",
    "float": "System.Single",
    "guid": "System.Guid",
    "hashtable": "System.Collections.Hashtable",
    "int": "System.Int32",
    "int16": "System.Int16",
    "int32": "System.Int32",
    "int64": "System.Int64",
    "ipaddress": "System.Net.IPAddress",
    "long": "System.Int64",
    "object": "System.Object",
    "ordered": "System.Collections.Specialized.OrderedDictionary",
    "pscustomobject": CUSTOM_OBJECT,
    "psobject": "System.Management.Automation.PSObject",
    "regex": "System.Text.RegularExpressions.Regex",
    "sbyte": "System.SByte",
    "scriptblock": "System.Management.Automation.ScriptBlock",
    "single": "System.Single",
    "string": "System.String",
    "switch": "System.Management.Automation.SwitchParameter",
    "timespan": "System.TimeSpan",
    "type": "System.Type",
    "uint16": "System.UInt16",
    "uint32": "System.UInt32",
    "uint64": "System.UInt64",
    "uri": "System.Uri",
    "version": "System.Version",
    "void": "System.Void",
    "xml": "System.Xml.XmlDocument",
    "pscredential": "System.Management.Automation.PSCredential",
    "securestring": "System.Security.SecureString",
    "cimsession": "Microsoft.Management.Infrastructure.CimSession",
    "switchparameter": "System.Management.Automation.SwitchParameter",
}
"""Short names (about_Type_Accelerators, Windows PowerShell 5.1)."""

_KNOWN: Final = words(
    """
    System.Boolean System.Byte System.Char System.DateTime System.Decimal System.Double
    System.Guid System.Int16 System.Int32 System.Int64 System.Object System.String
    System.TimeSpan System.Type System.UInt16 System.UInt32 System.UInt64 System.Single
    System.SByte System.Version System.Void System.Array System.Uri System.Math System.Convert
    System.Environment System.Console System.Enum System.DayOfWeek System.DateTimeKind System.GC
    System.IO.Path System.IO.File System.IO.StringReader System.StringComparison
    System.StringSplitOptions System.StringComparer System.Text.Encoding
    System.Text.UTF8Encoding System.Text.UnicodeEncoding System.Text.StringBuilder
    System.Text.RegularExpressions.Regex System.Text.RegularExpressions.RegexOptions
    System.Text.RegularExpressions.Match System.Collections.Hashtable
    System.Collections.ArrayList System.Collections.Specialized.OrderedDictionary
    System.Collections.IDictionary System.Collections.IEnumerable System.Collections.ICollection
    System.Collections.IList System.Collections.Generic.List
    System.Collections.Generic.Dictionary System.Collections.Generic.HashSet
    System.Collections.Generic.Queue System.Net.IPAddress
    System.Collections.Generic.KeyValuePair System.Collections.DictionaryEntry System.ValueType
    System.Diagnostics.Stopwatch System.Threading.Thread System.Globalization.CultureInfo
    System.Globalization.DateTimeStyles System.IFormatProvider System.DateTimeOffset
    System.Management.Automation.PSObject System.Management.Automation.PSCustomObject
    System.Management.Automation.ScriptBlock System.Management.Automation.ErrorRecord
    System.Management.Automation.ErrorCategory System.Management.Automation.SwitchParameter
    System.Management.Automation.PSCredential System.Management.Automation.ActionPreference
    System.Management.Automation.LanguagePrimitives System.Security.SecureString
    System.Management.Automation.WarningRecord System.Management.Automation.VerboseRecord
    System.Management.Automation.DebugRecord Microsoft.Management.Infrastructure.CimSession
    System.Xml.XmlDocument System.RuntimeType System.Net.Dns
    System.Security.Principal.WindowsIdentity
    """
)

EXCEPTION_BASES: Final[Mapping[str, str]] = {
    "System.Exception": "System.Object",
    "System.SystemException": "System.Exception",
    "System.ApplicationException": "System.Exception",
    "System.ArgumentException": "System.SystemException",
    "System.ArgumentNullException": "System.ArgumentException",
    "System.ArgumentOutOfRangeException": "System.ArgumentException",
    "System.ArithmeticException": "System.SystemException",
    "System.DivideByZeroException": "System.ArithmeticException",
    "System.OverflowException": "System.ArithmeticException",
    "System.FormatException": "System.SystemException",
    "System.IndexOutOfRangeException": "System.SystemException",
    "System.InvalidCastException": "System.SystemException",
    "System.InvalidOperationException": "System.SystemException",
    "System.NotImplementedException": "System.SystemException",
    "System.NotSupportedException": "System.SystemException",
    "System.NullReferenceException": "System.SystemException",
    "System.OperationCanceledException": "System.SystemException",
    "System.TimeoutException": "System.SystemException",
    "System.UnauthorizedAccessException": "System.SystemException",
    "System.Collections.Generic.KeyNotFoundException": "System.SystemException",
    "System.IO.IOException": "System.SystemException",
    "System.IO.FileNotFoundException": "System.IO.IOException",
    "System.IO.DirectoryNotFoundException": "System.IO.IOException",
    "System.Runtime.InteropServices.ExternalException": "System.SystemException",
    "System.Runtime.InteropServices.COMException": (
        "System.Runtime.InteropServices.ExternalException"
    ),
    "System.ComponentModel.Win32Exception": "System.Runtime.InteropServices.ExternalException",
    "System.Net.Sockets.SocketException": "System.ComponentModel.Win32Exception",
    "Microsoft.Management.Infrastructure.CimException": "System.Exception",
    "Microsoft.PowerShell.Commands.WriteErrorException": "System.SystemException",
    "System.Management.Automation.RuntimeException": "System.SystemException",
    "System.Management.Automation.CmdletInvocationException": (
        "System.Management.Automation.RuntimeException"
    ),
    "System.Management.Automation.ActionPreferenceStopException": (
        "System.Management.Automation.RuntimeException"
    ),
    "System.Management.Automation.CommandNotFoundException": (
        "System.Management.Automation.RuntimeException"
    ),
    "System.Management.Automation.ParseException": "System.Management.Automation.RuntimeException",
    "System.Management.Automation.ParameterBindingException": (
        "System.Management.Automation.RuntimeException"
    ),
    "System.Management.Automation.ParameterBindingValidationException": (
        "System.Management.Automation.ParameterBindingException"
    ),
    "System.Management.Automation.PropertyNotFoundException": (
        "System.Management.Automation.RuntimeException"
    ),
    "System.Management.Automation.MethodException": (
        "System.Management.Automation.RuntimeException"
    ),
    "System.Management.Automation.MethodInvocationException": (
        "System.Management.Automation.MethodException"
    ),
    "System.Management.Automation.SetValueException": (
        "System.Management.Automation.RuntimeException"
    ),
    "System.Management.Automation.SetValueInvocationException": (
        "System.Management.Automation.SetValueException"
    ),
    "System.Management.Automation.SessionStateException": (
        "System.Management.Automation.RuntimeException"
    ),
    "System.Management.Automation.ItemNotFoundException": (
        "System.Management.Automation.SessionStateException"
    ),
    "System.Management.Automation.PSInvalidCastException": "System.InvalidCastException",
    "System.Management.Automation.PSArgumentException": "System.ArgumentException",
    "System.Management.Automation.PSInvalidOperationException": (
        "System.InvalidOperationException"
    ),
    "System.Management.Automation.PSNotSupportedException": "System.NotSupportedException",
    "System.Management.Automation.PSTimeoutException": "System.TimeoutException",
    "Microsoft.HyperV.PowerShell.VirtualizationException": "System.Exception",
    "Microsoft.HyperV.PowerShell.VirtualizationInvalidArgumentException": (
        "Microsoft.HyperV.PowerShell.VirtualizationException"
    ),
}
"""Base type of the exceptions that the lab knows (.NET Framework 4 and PowerShell 5.1 reference).

The Hyper-V rows are an assumption: the module's exception types are not documented.
"""

_BY_LOWER: Final = {name.lower(): name for name in (*_KNOWN, *EXCEPTION_BASES)}
_GENERIC: Final = re.compile(r"(?P<outer>[\w.]+)(?:`\d)?\[(?P<inner>.+)\]")


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A type as a value, `[string]`."""

    full_name: str

    @property
    def name(self) -> str:
        """Without its namespace."""
        return short_name(self.full_name)


def short_name(full_name: str) -> str:
    """`String` for `System.String`, `List`1` for a generic list."""
    generic = _GENERIC.fullmatch(full_name)
    if generic and not full_name.endswith("[]"):
        arity = generic["inner"].count(",") + 1
        return f"{generic['outer'].rpartition('.')[2]}`{arity}"
    return full_name.rpartition(".")[2]


@lru_cache(maxsize=1024)
def resolve(written: str) -> str | None:
    """Full name of a type as written, without case; None when the lab does not know it."""
    if written.endswith("[]"):
        element = resolve(written[:-2])
        return f"{element}[]" if element else None
    generic = _GENERIC.fullmatch(written)
    if generic:
        outer = resolve(generic["outer"])
        inner = [resolve(each.strip().strip("[]")) for each in generic["inner"].split(",")]
        if outer is None or None in inner:
            return None
        return f"{outer}[{','.join(str(each) for each in inner)}]"
    lowered = written.lower()
    return ACCELERATORS.get(lowered) or _BY_LOWER.get(lowered) or _BY_LOWER.get(f"system.{lowered}")


def exception_types(type_name: str) -> list[str]:
    """An exception type and its bases, down to System.Exception."""
    chain = [type_name]
    while chain[-1] in EXCEPTION_BASES and chain[-1] != "System.Exception":
        chain.append(EXCEPTION_BASES[chain[-1]])
    if chain[-1] != "System.Exception":
        chain.append("System.Exception")
    return chain


_INT32: Final = range(-(2**31), 2**31)
_SIMPLE: Final[Mapping[type, str]] = {
    bool: "System.Boolean",
    str: "System.String",
    Char: "System.Char",
    Int64: "System.Int64",
    float: "System.Double",
    Decimal: "System.Decimal",
    bytes: "System.Byte[]",
    list: "System.Object[]",
    timedelta: "System.TimeSpan",
    uuid.UUID: "System.Guid",
    PsVersion: "System.Version",
    ScriptBlock: "System.Management.Automation.ScriptBlock",
    ErrorRecord: "System.Management.Automation.ErrorRecord",
    TypeRef: "System.RuntimeType",
}
_COLLECTIONS: Final = (
    "System.Collections.IEnumerable",
    "System.Collections.ICollection",
    "System.Collections.IList",
)
_BASES: Final[Mapping[str, tuple[str, ...]]] = {
    "System.Object[]": ("System.Array", *_COLLECTIONS),
    "System.Byte[]": ("System.Array", *_COLLECTIONS),
    "System.Collections.Hashtable": ("System.Collections.IDictionary", *_COLLECTIONS[:2]),
    "System.Collections.Specialized.OrderedDictionary": (
        "System.Collections.IDictionary",
        *_COLLECTIONS[:2],
    ),
    "System.String": ("System.Collections.IEnumerable",),
    "System.RuntimeType": ("System.Type",),
}
_VALUE_TYPES: Final = frozenset(
    words(
        """
    System.Boolean System.Char System.Int32 System.Int64 System.Double System.Decimal
    System.DateTime System.TimeSpan System.Guid
    """
    )
)


def type_name_of(value: object) -> str:
    """Full name of a value's own type; `value` is not null."""
    simple = _SIMPLE.get(type(value))
    if simple:
        return simple
    if isinstance(value, int):
        return "System.Int32" if value in _INT32 else "System.Int64"
    if isinstance(value, PsObject | PsEnum | PsException | PsList):
        return value.type_name
    if isinstance(value, PsHashtable):
        own = "Specialized.OrderedDictionary" if value.ordered else "Hashtable"
        return f"System.Collections.{own}"
    if isinstance(value, datetime):
        return "System.DateTime"
    native = getattr(value, "type_name", None)
    return native if isinstance(native, str) else f"lab.{type(value).__name__}"


def types_of(value: object) -> list[str]:
    """Full names of a value's type, its bases and interfaces, its own first."""
    own = type_name_of(value)
    if isinstance(value, PsObject):
        return [*value.type_names, "System.Management.Automation.PSObject", CUSTOM_OBJECT]
    if isinstance(value, PsException):
        return [*exception_types(own), "System.Object"]
    names = [own, *_BASES.get(own, ())]
    if isinstance(value, PsList):
        names += _COLLECTIONS
    if isinstance(value, PsEnum):
        names += ["System.Enum", "System.ValueType"]
    if own in _VALUE_TYPES:
        names.append("System.ValueType")
    return [*names, "System.Object"]


def is_instance(value: object, full_name: str) -> bool:
    """Whether `value -is [full_name]`."""
    if value is None:
        return False
    if full_name.endswith("[]") and isinstance(value, list):
        if full_name == "System.Object[]":
            return True
        return bool(value) and all(is_instance(each, full_name[:-2]) for each in value)
    return full_name in types_of(value)
