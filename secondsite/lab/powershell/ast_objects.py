"""What a script sees of its own syntax tree: `$block.Ast.ParamBlock.Parameters`, no more."""

from __future__ import annotations

from secondsite.lab.powershell.syntax import Parameter, ScriptBlockAst
from secondsite.lab.powershell.values import PsObject, ps_object

_LANGUAGE = "System.Management.Automation.Language"


def ast_object(ast: ScriptBlockAst) -> PsObject:
    """`ScriptBlockAst` with its text and parameters."""
    parameters = [_parameter(parameter) for parameter in ast.parameters]
    block = ps_object(f"{_LANGUAGE}.ParamBlockAst", Parameters=parameters)
    return ps_object(
        f"{_LANGUAGE}.ScriptBlockAst",
        text=ast.text,
        ParamBlock=block if ast.has_param_block else None,
        Extent=ps_object(f"{_LANGUAGE}.IScriptExtent", text=ast.text, Text=ast.text),
    )


def _parameter(parameter: Parameter) -> PsObject:
    path = ps_object("System.Management.Automation.VariablePath", UserPath=parameter.name)
    name = ps_object(
        f"{_LANGUAGE}.VariableExpressionAst", text=f"${parameter.name}", VariablePath=path
    )
    return ps_object(f"{_LANGUAGE}.ParameterAst", text=f"${parameter.name}", Name=name)
