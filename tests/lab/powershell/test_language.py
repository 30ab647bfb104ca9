"""Snippets and what Windows PowerShell 5.1 prints for them.

The expectations follow the language specification 3.0 and the about_ pages of PowerShell-Docs 5.1.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

SNIPPETS = [
    (
        "1,2,3 | % { $_ * 2 }",
        "2\n4\n6\n",
    ),
    (
        "1..3 | ForEach-Object { 'b' } { $_ } { 'e' }",
        "b\n1\n2\n3\ne\n",
    ),
    (
        "$a=@(); $a.Count; $a += 1; $a.Count; $a -is [array]",
        "0\n1\nTrue\n",
    ),
    (
        "function f { @(1) }; (f).GetType().Name",
        "Int32\n",
    ),
    (
        "function f { ,@(1) }; (f).GetType().Name",
        "Object[]\n",
    ),
    (
        "$x = $null; @($x).Count; @(foreach($i in $x){1}).Count",
        "1\n0\n",
    ),
    (
        "$x = & {}; $x | % { 'no' }; $null | % { 'yes' }",
        "yes\n",
    ),
    (
        "'10' -eq 10; 10 -eq '10'; '10' -lt 9; 10 -lt '9'",
        "True\nTrue\nTrue\nFalse\n",
    ),
    (
        "[int]::MaxValue + 1; (2147483647).GetType().Name; "
        "(2147483648).GetType().Name; 7/2; 6/2; 7 % 3; -7 % 3",
        "2147483648\nInt32\nInt64\n3.5\n3\n1\n-1\n",
    ),
    (
        "1GB; 2kb*2; 0xff; 1e3; .5",
        "1073741824\n4096\n255\n1000\n0.5\n",
    ),
    (
        "'abc' -replace 'b','[$0]'; 'a1b22' -split '\\d+'; -join ('a','b'); 'a,b' -split ','",
        "a[b]c\na\nb\n\nab\na\nb\n",
    ),
    (
        "'{0:N2}|{1,5}|{2:D3}|{3:X}' -f 1234.567,'ab',7,255",
        "1,234.57|   ab|007|FF\n",
    ),
    (
        "$h=[ordered]@{b=1;a=2}; $h.Keys; $h['B']; $h.a; $h.Count",
        "b\na\n1\n2\n2\n",
    ),
    (
        "try { throw 'x' } catch { $_.Exception.Message; $_.FullyQualifiedErrorId; "
        "$_.CategoryInfo.Category } finally { 'f' }",
        "x\nx\nOperationStopped\nf\n",
    ),
    (
        "try { Get-Nope } catch [System.Management.Automation.CommandNotFoundException] "
        "{ 'cnf ' + $_.FullyQualifiedErrorId }",
        "cnf CommandNotFoundException\n",
    ),
    (
        "try { 1/0 } catch [System.DivideByZeroException] { 'dz' }",
        "dz\n",
    ),
    (
        "try { [int]'abc' } catch { $_.Exception.Message; $_.FullyQualifiedErrorId }",
        'Cannot convert value "abc" to type "System.Int32". '
        'Error: "Input string was not in a correct format."\n'
        "InvalidCastFromStringToInteger\n",
    ),
    (
        "switch (3) { 1 {'a'} 3 {'c'} default {'d'} }; "
        "switch -wildcard ('foo') { 'f*' {'w'; break} 'fo*' {'n'} }; "
        "switch -regex ('ab12') { '(\\d+)' { $matches[1] } }",
        "c\nw\n12\n",
    ),
    (
        "$i=0; while ($true) { $i++; if ($i -eq 2) { continue }; if ($i -gt 3) { break }; $i }",
        "1\n3\n",
    ),
    (
        "do { $j++ } until ($j -ge 3); $j; for ($k=0;$k -lt 2;$k++) { $k }",
        "3\n0\n1\n",
    ),
    (
        ':o foreach ($a in 1,2) { foreach ($b in 1,2) { if ($b -eq 2) { continue o }; "$a$b" } }',
        "11\n21\n",
    ),
    (
        "function Add { param([int]$A,[int]$B=5) $A+$B }; Add 1; Add -B 1 -A 2; Add 3 4",
        "6\n3\n7\n",
    ),
    (
        "function f { [CmdletBinding()] param([Parameter(Mandatory)][string]$Name, "
        "[switch]$Force, [ValidateSet('a','b')]$K='a') \"$Name $Force $K\" }; "
        "f x; f -Name y -Force -K b; try { f } catch { $_.FullyQualifiedErrorId }; "
        "try { f x -K z } catch { $_.FullyQualifiedErrorId }; "
        "try { f x -Nope 1 } catch { $_.FullyQualifiedErrorId; "
        "$_.Exception.GetType().FullName }",
        "x False a\ny True b\nMissingMandatoryParameter,f\n"
        "ParameterArgumentValidationError,f\nNamedParameterNotFound,f\n"
        "System.Management.Automation.ParameterBindingException\n",
    ),
    (
        "function p { param([Parameter(ValueFromPipeline)]$X) begin {'b'} process { "
        "\"p$X\" } end {'e'} }; "
        "1,2 | p",
        "b\np1\np2\ne\n",
    ),
    (
        '$p = @{ A=1 }; function q($A,$B) { "$A-$B" }; q @p -B 2; $l=3,4; q @l',
        "1-2\n3-4\n",
    ),
    (
        '"$($x = 5; $x) `$x ${x} $x.foo $env:COMPUTERNAME"',
        "5 $x 5 5.foo HV1\n",
    ),
    (
        "$o=[pscustomobject]@{Name='a';N=1}; $o.name; $o.Nope -eq $null; \"$o\"",
        "a\nTrue\n@{Name=a; N=1}\n",
    ),
    (
        "$l=1,2,3,4; $l[-1]; $l[1..2]; $l[0,3]; $l.Count; $l.Length",
        "4\n2\n3\n1\n4\n4\n4\n",
    ),
    (
        "$l = [System.Collections.Generic.List[object]]::new(); $l.Add(1); "
        "$l.Add('b'); $l.Count; $l -join ','",
        "2\n1,b\n",
    ),
    (
        "$d=New-Object 'System.Collections.Generic.Dictionary[string,int]'; $d['a']=1; "
        "$d.ContainsKey('a'); $d['a']",
        "True\n1\n",
    ),
    (
        "[string]::Join('-',1,2); [string]::IsNullOrEmpty(''); [math]::Round(2.5); "
        "[math]::Max(1,2); "
        "[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes('hi')); "
        "[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('aGk='))",
        "1-2\nTrue\n2\n2\naGk=\nhi\n",
    ),
    (
        "Set-StrictMode -Version Latest; "
        "try { $nope } catch { $_.FullyQualifiedErrorId }; "
        "try { ('x').Foo } catch { $_.FullyQualifiedErrorId }; "
        "try { @{a=1}.b } catch {$_.FullyQualifiedErrorId}",
        "VariableIsUndefined\nPropertyNotFoundStrict\nPropertyNotFoundStrict\n",
    ),
    (
        "Write-Error 'boo' -ErrorAction SilentlyContinue; $Error[0].Exception.Message; "
        "Write-Error 'x' -ErrorVariable ev 2>$null; $ev.Count",
        "boo\n1\n",
    ),
    (
        "try { Write-Error 'boo' -ErrorAction Stop } catch { "
        "$_.Exception.GetType().FullName; "
        "$_.FullyQualifiedErrorId }",
        "Microsoft.PowerShell.Commands.WriteErrorException\n"
        "Microsoft.PowerShell.Commands.WriteErrorException\n",
    ),
    (
        "$ErrorActionPreference='Stop'; try { Write-Error 'e1'; 'not' } catch { 'c:' + $_ }",
        "c:e1\n",
    ),
    (
        "1..10 | Select-Object -First 2; 1..5 | Select-Object -Last 2; "
        "1..5 | select -Skip 3; 1,1,2 | Select-Object -Unique",
        "1\n2\n4\n5\n4\n5\n1\n2\n",
    ),
    (
        "$v = "
        "[pscustomobject]@{Name='a';State='On'},[pscustomobject]@{Name='b';State='Off'}; "
        "$v | Where-Object State -eq 'On' | Select-Object "
        "Name,@{Name='S';Expression={$_.State + '!'}} | ConvertTo-Json -Compress; "
        "$v | ? { $_.Name -eq 'b' } | select -ExpandProperty Name; $v.Name",
        '{"Name":"a","S":"On!"}\nb\na\nb\n',
    ),
    (
        "3,1,2 | Sort-Object -Descending; 'b','A','c' | sort; "
        "(1..4 | Measure-Object -Sum).Sum; ('a','b','A' | Group-Object).Count",
        "3\n2\n1\nA\nb\nc\n10\n2\n",
    ),
    (
        "@{a=1} | ConvertTo-Json -Compress; ConvertTo-Json @(1) -Compress; "
        ",@(1) | ConvertTo-Json -Compress; 1,2 | ConvertTo-Json -Compress; "
        '@{x="it\'s <b> & é"} | ConvertTo-Json -Compress',
        '{"a":1}\n[1]\n[1]\n[1,2]\n{"x":"it\\u0027s \\u003cb\\u003e \\u0026 é"}\n',
    ),
    (
        "@{a=@{b=@{c=@{d=1}}}} | ConvertTo-Json -Compress; "
        "[pscustomobject]@{a=1;l=@([pscustomobject]@{x=1})} | ConvertTo-Json",
        '{"a":{"b":{"c":"System.Collections.Hashtable"}}}\n{\n'
        '    "a":  1,\n    "l":  [\n              {\n'
        '                  "x":  1\n              }\n          ]\n}\n',
    ),
    (
        '$j = \'{"a":1,"b":[1,2],"c":{"d":null},"e":1.5}\' | ConvertFrom-Json; $j.a; '
        "$j.b.Count; $j.c.d -eq $null; $j.e.GetType().Name; "
        "('[1,2]' | ConvertFrom-Json | % { 'once' })",
        "1\n2\nTrue\nDecimal\nonce\n",
    ),
    (
        "& { param($x) $x; return; 'no' } 4; . { $dot = 1 }; $dot; & { $inner = 1 }; "
        "$inner -eq $null",
        "4\n1\nTrue\n",
    ),
    (
        "function f { $script:s = 1; $l = 2 }; f; $s; $l -eq $null",
        "1\nTrue\n",
    ),
    (
        "$a, $b = 1, 2, 3; $a; $b; $x = $y = 7; $x; ($z = 8)",
        "1\n2\n3\n7\n8\n",
    ),
    (
        "[datetime]::new(2024,2,29).AddYears(1).ToString('yyyy-MM-dd'); "
        "([datetime]'2024-01-02T03:04:05Z').ToUniversalTime().ToString('o'); "
        "[timespan]::FromMinutes(90).ToString(); "
        "([timespan]::FromMinutes(90)).TotalHours",
        "2025-02-28\n2024-01-02T03:04:05.0000000Z\n01:30:00\n1.5\n",
    ),
    (
        "'abc'.Substring(1,1); 'a,b'.Split(','); ' x '.Trim() + '|'; 'abc'.ToUpper(); "
        "'abc'.Length; 'abc'[0]; 'abc'.IndexOf('c'); 'x'.PadLeft(3,'0'); "
        "'Abc'.StartsWith('a')",
        "b\na\nb\nx|\nABC\n3\na\n2\n00x\nFalse\n",
    ),
    (
        "try { 'abc'.Substring(9) } catch { $_.Exception.GetType().FullName; "
        "$_.FullyQualifiedErrorId }; "
        "try { $null.Foo() } catch { $_.FullyQualifiedErrorId }",
        "System.Management.Automation.MethodInvocationException\n"
        "ArgumentOutOfRangeException\nInvokeMethodOnNull\n",
    ),
    (
        "1,2,3,4 -gt 2; 'a','b' -contains 'B'; 'x' -in 'x','y'; 'abc' -like 'A*'; "
        "'abc' -clike 'A*'; 'foo12' -match '(?<n>\\d+)'; $Matches.n; $Matches[0]",
        "3\n4\nTrue\nTrue\nTrue\nFalse\nTrue\n12\n12\n",
    ),
    (
        "if (@(0)) {'t'} else {'f'}; if ('0') {'t'}; if (@()) {'t'} else {'f'}; "
        "if (@(1,0)) {'t'}; [bool]'False'",
        "f\nt\nf\nt\nTrue\n",
    ),
    (
        "$b = { $_ + 1 }; 1..2 | ForEach-Object $b; & $b; [scriptblock]::Create('1+1').Invoke()",
        "2\n3\n1\n2\n",
    ),
    (
        "Write-Host 'a' 'b'; Write-Host -NoNewline x; Write-Host; Write-Output 1,2; echo hi there",
        "a b\nx\n1\n2\nhi\nthere\n",
    ),
    (
        "function f { [CmdletBinding()]param() Write-Verbose 'v'; Write-Warning 'w' }; "
        "f -Verbose; f 3>$null",
        "VERBOSE: v\nWARNING: w\n",
    ),
    (
        "$r = & { Write-Error 'e'; 'o' } 2>&1; $r.Count; $r[0].GetType().Name; \"$($r[0])\"",
        "2\nErrorRecord\ne\n",
    ),
    (
        "'x' | Out-Null; $null = 5; [void](6); (1,2,3).ForEach({ $_ * 2 }); "
        "(1,2,3).Where({ $_ -gt 2 })",
        "2\n4\n6\n3\n",
    ),
    (
        "$s = 'a'; $s += 'b'; $s; $n = 5; $n -= 2; $n; $n++; $n; $arr = 1; $arr += 2; "
        "$arr; $h = @{}; $h.x = 1; $h['y'] = 2; $h += @{z=3}; $h.Count",
        "ab\n3\n4\n3\n3\n",
    ),
    (
        "$x = if ($true) { 'yes' } else { 'no' }; $x; "
        "$y = foreach ($i in 1..2) { $i }; $y.Count; $t = try { 1/0 } catch { 'c' }; $t",
        "yes\n2\nc\n",
    ),
    (
        '@\'\nraw $x\n\'@; $q=1; @"\nv $q\n  "in"\n"@',
        'raw $x\nv 1\n  "in"\n',
    ),
    (
        "Get-Variable nope -ErrorAction SilentlyContinue; Test-Path variable:nope; "
        "$u = 1; Test-Path variable:u; "
        "(Get-Command f -ErrorAction SilentlyContinue) -eq $null",
        "False\nTrue\nTrue\n",
    ),
    (
        "function Get-It { 'it' }; (Get-Command Get-It).Name; & 'Get-It'; $n='Get-It'; "
        "& $n; Get-It | % ToUpper; 'abc' | % Length",
        "Get-It\nit\nit\nIT\n3\n",
    ),
    (
        "'a' | ForEach-Object { return 'r'; 'no' }; function r { return 1,2 }; "
        "(r).Count; 'out'; return; 'never'",
        "r\n2\nout\n",
    ),
    (
        "[guid]::Empty; ([guid]'11111111-1111-1111-1111-111111111111').ToString(); "
        "'11111111-1111-1111-1111-111111111111' -as [guid] -is [guid]; "
        "('x' -as [int]) -eq $null",
        "00000000-0000-0000-0000-000000000000\n11111111-1111-1111-1111-111111111111\nTrue\nTrue\n",
    ),
    (
        "$c = 5; function g { $c; $c = 6; $c }; g; $c",
        "5\n6\n5\n",
    ),
    (
        "(Get-Date '2024-05-06').ToString('dddd d MMM'); "
        "Get-Date '2024-05-06 07:08' -Format 'HH:mm'; "
        "(New-TimeSpan -Minutes 5).TotalSeconds",
        "Monday 6 May\n07:08\n300\n",
    ),
    (
        "$o = New-Object PSObject -Property @{A=1}; "
        "$o | Add-Member -NotePropertyName B -NotePropertyValue 2; $o.B; "
        "$o.PSObject.Properties.Name -join ','; $o.PSObject.Properties['a'].Value",
        "2\nA,B\n1\n",
    ),
    (
        "'a=1' -match '^(\\w)=(\\d)$' | Out-Null; $matches[2]; "
        "[regex]::Matches('a1b2','\\d').Count; [regex]::Replace('abc','b','x'); "
        "([regex]'\\d+').Match('a42').Value",
        "1\n2\naxc\n42\n",
    ),
    (
        "$e = [System.InvalidOperationException]::new('bad'); "
        "try { throw $e } catch [System.InvalidOperationException] { 'ioe ' + "
        "$_.Exception.Message }",
        "ioe bad\n",
    ),
    (
        "try { try { throw 'in' } catch { throw } } catch { 'outer ' + $_ }",
        "outer in\n",
    ),
    (
        "$a = 1,2; $b = $a; $b += 3; $a.Count; $l=@{k=@(1,2)}; $l.k.Count; ($l.k)[1]",
        "2\n2\n2\n",
    ),
    (
        "[int]'5' + 1; '5' + 1; 5 + '1'; [string]5 + 1; 2 * '3'; 'ab' * 2; "
        "(1,2) * 2 -join ''; [int]2.5; [int]3.5; [int]'0x1F'",
        "6\n51\n6\n51\n6\nabab\n1212\n2\n4\n31\n",
    ),
    (
        "$x = @{ Name = 'n'; 'Two Words' = 2 }; $x.'Two Words'; "
        'foreach ($k in $x.Keys | Sort-Object) { "$k=$($x[$k])" }; '
        "$x.GetEnumerator() | Sort-Object Name | % { $_.Key }",
        "2\nName=n\nTwo Words=2\nName\nTwo Words\n",
    ),
    (
        "'one','two' | ForEach-Object -Process { $_ } -End { 'end' } | Select-Object "
        "-First 1; "
        "'next'",
        "one\nnext\n",
    ),
]


@pytest.mark.parametrize(("script", "expected"), SNIPPETS, ids=lambda text: text[:40])
def test_a_snippet_prints_what_windows_prints(
    output: Callable[[str], str], script: str, expected: str
) -> None:
    assert output(script) == expected
