# What went wrong, as every answer tells it.
function ConvertTo-Failure([object] $Record) {
    [ordered]@{
        message = "$($Record.Exception.Message)"
        type = $Record.Exception.GetType().FullName
        fqid = "$($Record.FullyQualifiedErrorId)"
        category = "$($Record.CategoryInfo.Category)"
    }
}
