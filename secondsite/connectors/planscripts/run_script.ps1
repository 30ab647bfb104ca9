# Runs a script of a plan, in a PowerShell of its own: what it exits with, it exits with for itself only.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)]
    [string] $Text,

    # Values for its parameters, by name
    [object] $Arguments = $null,

    # Handed over as $RecoveryPlanContext: a parameter if it declares one, else a variable
    [object] $Context = $null,

    # How much of its output is kept, in characters
    [int] $LimitChars = 65536
)
$ErrorActionPreference = 'Continue'

$RecoveryPlanContext = $Context
$block = [scriptblock]::Create($Text)
$parameters = @{}
if ($null -ne $Arguments) {
    foreach ($property in $Arguments.PSObject.Properties) { $parameters[$property.Name] = $property.Value }
}
if ($null -ne $block.Ast.ParamBlock) {
    foreach ($parameter in $block.Ast.ParamBlock.Parameters) {
        if ($parameter.Name.VariablePath.UserPath -eq 'RecoveryPlanContext') { $parameters['RecoveryPlanContext'] = $Context }
    }
}

$output = @()
$warnings = @()
$errors = @()
$kept = 0
$isTruncated = $false
$failure = $null
try {
    foreach ($item in @(& $block @parameters 2>&1 3>&1)) {
        if ($kept -ge $LimitChars) {
            $isTruncated = $true
            continue
        }
        if ($item -is [Management.Automation.ErrorRecord]) {
            $text = "$($item.Exception.Message)"
            $errors += $text
        }
        elseif ($item -is [Management.Automation.WarningRecord]) {
            $text = "$($item.Message)"
            $warnings += $text
        }
        else {
            $text = if ($item -is [string]) { $item } else { ($item | Out-String).TrimEnd() }
            if ($text.Length -gt $LimitChars - $kept) {
                $text = $text.Substring(0, $LimitChars - $kept)
                $isTruncated = $true
            }
            $output += $text
        }
        $kept += $text.Length
    }
}
catch {
    $failure = [ordered]@{
        message = "$($_.Exception.Message)"
        type = $_.Exception.GetType().FullName
        fqid = "$($_.FullyQualifiedErrorId)"
        category = "$($_.CategoryInfo.Category)"
    }
}
[ordered]@{
    ok = $null -eq $failure
    error = $failure
    output = [string[]] $output
    warnings = [string[]] $warnings
    errors = [string[]] $errors
    truncated = $isTruncated
}
