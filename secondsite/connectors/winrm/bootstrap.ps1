# The resident half of a lane (the other half is exchange.py): reads one request a line from standard
# input and answers each with one frame on standard output.
#
# A line is `<length> <base64 of UTF-8 JSON>`, so a damaged line is known as such and answered <<BAD>>.
# A frame is `<<BEGIN id length>>base64 of UTF-8 JSON<<END id>>`. Both are ASCII: no code page can hurt.
# The last answer is kept: its id, seen again, gets the same answer, and nothing is run twice.
#
# Never name the automatic variable for piped input here: Windows PowerShell would then read standard
# input itself (ConsoleHost.cs, AstSearcher.IsUsingDollarInput).
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$utf8 = [Text.Encoding]::UTF8
$scripts = @{}
$loaded = @{}
$lastId = ''
$lastFrame = ''
$code = 0
while ($null -ne ($line = [Console]::In.ReadLine())) {
    $line = $line.Trim()
    if ($line -eq '') { continue }
    $request = $null
    try {
        $parts = $line -split ' '
        if ($parts.Count -eq 2 -and $parts[1].Length -eq [int]$parts[0]) {
            $request = ConvertFrom-Json -InputObject $utf8.GetString([Convert]::FromBase64String($parts[1]))
        }
    }
    catch { $request = $null }
    if ($null -eq $request) {
        [Console]::Out.WriteLine('<<BAD>>')
        continue
    }
    $id = $request.id
    if ($id -eq $lastId) {
        [Console]::Out.WriteLine($lastFrame)
        continue
    }
    $answer = [ordered]@{ id = $id; ok = $false; phase = 'import'; result = @(); warnings = @(); error = $null; elapsed_ms = 0 }
    $watch = [Diagnostics.Stopwatch]::StartNew()
    try {
        if ($request.ask) {
            $answer.phase = 'unheard'
            throw 'no request of this id was heard'
        }
        foreach ($module in $request.modules) {
            if (-not $loaded[$module]) {
                Import-Module -Name $module 3>$null
                $loaded[$module] = $true
            }
        }
        if ($request.digest) {
            $answer.phase = 'compile'
            if ($request.script) { $scripts[$request.digest] = [scriptblock]::Create($request.script) }
            $block = $scripts[$request.digest]
            if ($null -eq $block) {
                $answer.phase = 'unsent'
                throw 'this script was not sent'
            }
            $parameters = @{}
            foreach ($property in $request.parameters.PSObject.Properties) { $parameters[$property.Name] = $property.Value }
            $answer.phase = 'run'
            if ($request.exits) {
                $code = 93
                [Console]::Out.WriteLine("<<RUN $id>>")
            }
            foreach ($item in @(& $block @parameters 3>&1)) {
                if ($item -is [Management.Automation.WarningRecord]) { $answer.warnings += $item.Message }
                else { $answer.result += , $item }
            }
        }
        $answer.ok = $true
        $answer.phase = 'answer'
        $answer.elapsed_ms = $watch.ElapsedMilliseconds
        $json = ConvertTo-Json -InputObject $answer -Depth 12 -Compress
    }
    catch {
        $answer.ok = $false
        $answer.result = @()
        $answer.error = [ordered]@{
            message = "$($_.Exception.Message)"
            type = $_.Exception.GetType().FullName
            fqid = "$($_.FullyQualifiedErrorId)"
            category = "$($_.CategoryInfo.Category)"
            at = "$($_.InvocationInfo.ScriptLineNumber)"
        }
        $answer.elapsed_ms = $watch.ElapsedMilliseconds
        $json = ConvertTo-Json -InputObject $answer -Depth 12 -Compress
    }
    $Error.Clear()
    $payload = [Convert]::ToBase64String($utf8.GetBytes($json))
    $frame = "<<BEGIN $id $($payload.Length)>>$payload<<END $id>>"
    if ($answer.phase -ne 'unheard' -and $answer.phase -ne 'unsent') {
        $lastId = $id
        $lastFrame = $frame
    }
    [Console]::Out.WriteLine($frame)
}
exit $code
