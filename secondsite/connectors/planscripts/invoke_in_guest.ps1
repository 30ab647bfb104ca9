# Runs a script of a plan inside a VM of this host, through PowerShell Direct: no network leads there.
#
# What goes in and comes out is text (JSON): objects lose their depth on the way. The password becomes a
# SecureString without any cmdlet, because cmdlets' parameters are what module logging writes down.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)]
    [string] $VmId,

    # The account inside
    [Parameter(Mandatory = $true)]
    [string] $UserName,

    [Parameter(Mandatory = $true)]
    [string] $Password,

    # What runs the script there: run_script.ps1
    [Parameter(Mandatory = $true)]
    [string] $Runner,

    [Parameter(Mandatory = $true)]
    [string] $Text,

    # JSON objects
    [Parameter(Mandatory = $true)]
    [string] $Arguments,

    [Parameter(Mandatory = $true)]
    [string] $Context,

    [int] $LimitChars = 65536,

    # How long a guest that gives no session is asked again
    [int] $WaitMs = 0,

    [int] $IntervalMs = 1000
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$secret = [securestring]::new()
foreach ($character in $Password.ToCharArray()) { $secret.AppendChar($character) }
$credential = [pscredential]::new($UserName, $secret)

function ConvertTo-Refusal([object] $Record) {
    $exception = $Record.Exception
    $types = @($exception.GetType().Name)
    if ($null -ne $exception.InnerException) { $types += $exception.InnerException.GetType().Name }
    [ordered]@{
        message = "$($exception.Message)"
        type = "$($types -join ' ')"
        fqid = "$($Record.FullyQualifiedErrorId)"
        category = "$($Record.CategoryInfo.Category)"
    }
}

# Nothing of the plan runs before a session was had once: until then everything may be tried again.
$watch = [Diagnostics.Stopwatch]::StartNew()
$failure = $null
$computer = ''
while ($true) {
    try {
        $computer = "$(Invoke-Command -VMId $VmId -Credential $credential -ScriptBlock { $env:COMPUTERNAME })"
        $failure = $null
        break
    }
    catch {
        $failure = ConvertTo-Refusal $_
    }
    # Only silence is waited out; a refusal is final, and repeated wrong passwords lock accounts.
    if ($failure.fqid -notlike 'PSSessionStateBroken*' -or $failure.type -like '*PSDirectException*') { break }
    if ($watch.ElapsedMilliseconds -ge $WaitMs) { break }
    Start-Sleep -Milliseconds $IntervalMs
}
if ($null -ne $failure) { return [ordered]@{ phase = 'connect'; error = $failure } }

$answers = @()
try {
    $answers = @(Invoke-Command -VMId $VmId -Credential $credential -ArgumentList $Runner, $Text, $Arguments, $Context, $LimitChars -ScriptBlock {
        param($Runner, $Text, $Arguments, $Context, $LimitChars)
        $block = [scriptblock]::Create($Runner)
        $given = ConvertFrom-Json -InputObject $Arguments
        $known = ConvertFrom-Json -InputObject $Context
        $answer = & $block -Text $Text -Arguments $given -Context $known -LimitChars $LimitChars
        ConvertTo-Json -InputObject $answer -Depth 12 -Compress
    })
}
catch {
    $failure = ConvertTo-Refusal $_
}
if ($null -ne $failure) { return [ordered]@{ phase = 'run'; computer = $computer; error = $failure } }
if ($answers.Count -eq 0) { return [ordered]@{ phase = 'exit'; computer = $computer } }
[ordered]@{ phase = 'answer'; computer = $computer; answer = "$($answers[-1])" }
