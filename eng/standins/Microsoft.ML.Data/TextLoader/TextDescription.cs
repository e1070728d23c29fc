using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>The comment at the start of a text file that tells how to load it: TextLoader{header+ sep=tab col=Name:TX:0}.</summary>
internal static partial class TextDescription
{
    private static readonly char[] Special = [' ', '\t', '"', '{', '}', '='];

    /// <summary>The columns that the file describes, with the other options; null when it describes none.</summary>
    public static TextLoader.Column[] Find(IHost host, IMultiStreamSource files, ref TextLoader.Options options)
    {
        string description = TextLines.Description(files);
        if (string.IsNullOrWhiteSpace(description))
            return null;
        using IChannel channel = host.Start("Parsing options from file");
        if (HasSettings(options))
        {
            channel.Warning(MessageSensitivity.Unknown, "Arguments cannot be embedded in the file and in the command line. The embedded arguments will be ignored");
            return null;
        }
        TextLoader.Options described = ParseOrNull(description);
        Guard.That(described is not null, "TextLoader options embedded in the file are invalid", host);
        described.UseThreads = options.UseThreads;
        described.HeaderFile = options.HeaderFile;
        described.MaxRows = options.MaxRows;
        options = described;
        return described.Columns;
    }

    public static string Of(IChannel channel, IReadOnlyList<DataViewSchema.Column> columns, char separator, bool hasHeader)
    {
        var settings = new List<string>();
        if (hasHeader)
            settings.Add("header+");
        settings.Add($"sep={NameOf(separator)}");
        int? index = 0;
        foreach (DataViewSchema.Column column in columns)
        {
            settings.Add(Of(column, index));
            index += column.Type is VectorDataViewType vector ? vector.Size : 1;
            if (column.Type is not VectorDataViewType { IsKnownSize: false } || column.Index == columns[^1].Index)
                continue;
            channel.Warning(MessageSensitivity.Schema, "Column '{0}' is variable length, so it must be the last, or the file will be unreadable. "
                + "Consider switching to binary format or use xf=Choose to make '{0}' the last column.", column.Name);
            index = null;
        }
        return string.Join('\n', settings);
    }

    /// <summary>An unknown place is written as -1, which no loader takes.</summary>
    private static string Of(DataViewSchema.Column column, int? index)
    {
        DataViewType item = BuiltInTypes.ItemTypeOf(column.Type);
        string kind = TextKinds.NameOf(item);
        string fields = column.Type switch
        {
            VectorDataViewType { IsKnownSize: true } vector => $"{index}-{index + vector.Size - 1}",
            VectorDataViewType => $"{index}-**",
            _ => $"{index}",
        };
        if (index is null)
            fields = "{ min=-1}";
        string key = item is KeyDataViewType counted ? $"[{counted.Count}]" : "";
        if (index is not null && column.Name.Length > 0 && column.Name.IndexOfAny(Special) < 0)
            return $"col={column.Name}:{kind}{key}:{fields}";
        string keySetting = item is KeyDataViewType ? $" key={key[1..^1]}" : "";
        string kindSetting = kind == "R4" ? "" : $" type={kind}";
        string name = column.Name.IndexOfAny(Special) < 0 ? column.Name : $"{{{column.Name}}}";
        return $"col={{name={name}{kindSetting} src={fields}{keySetting}}}";
    }

    private static bool HasSettings(TextLoader.Options options) =>
        options.AllowQuoting || options.AllowSparse || options.InputSize is not null || options.DecimalMarker != '.' || options.TrimWhitespace || options.HasHeader
        || options.ReadMultilines || options.EscapeChar != '"' || options.MissingRealsAsNaNs || options.Separators is not ['\t'];

    private static TextLoader.Options ParseOrNull(string description)
    {
        Match whole = Whole().Match(description);
        if (!whole.Success)
            return null;
        var options = new TextLoader.Options();
        var columns = new List<TextLoader.Column>();
        foreach (Match setting in Setting().Matches(whole.Groups[1].Value))
        {
            if (setting.Groups["flag"].Success)
            {
                if (!TrySetFlag(options, setting.Groups["flag"].Value, setting.Groups["sign"].Value == "+"))
                    return null;
                continue;
            }
            string value = setting.Groups["value"].Value;
            switch (setting.Groups["name"].Value.ToLowerInvariant())
            {
                case "sep":
                    options.Separators = [.. SeparatorsOf(value)];
                    break;
                case "size":
                    options.InputSize = int.Parse(value, CultureInfo.InvariantCulture);
                    break;
                case "col":
                    if (ColumnOrNull(value) is not TextLoader.Column column)
                        return null;
                    columns.Add(column);
                    break;
                default:
                    return null;
            }
        }
        options.Columns = [.. columns];
        return columns.Count > 0 ? options : null;
    }

    private static bool TrySetFlag(TextLoader.Options options, string name, bool value)
    {
        switch (name.ToLowerInvariant())
        {
            case "header":
                options.HasHeader = value;
                return true;
            case "quote":
                options.AllowQuoting = value;
                return true;
            case "sparse":
                options.AllowSparse = value;
                return true;
            case "trim":
                options.TrimWhitespace = value;
                return true;
            case "multilines":
                options.ReadMultilines = value;
                return true;
            case "missingrealnan":
                options.MissingRealsAsNaNs = value;
                return true;
            default:
                return false;
        }
    }

    /// <summary>Name:Kind[keys]:fields, Name:fields, or {name={Name} type=Kind src=fields key={keys}}.</summary>
    private static TextLoader.Column ColumnOrNull(string text)
    {
        string name = text;
        string kind = "R4";
        string fields;
        string keys = null;
        if (text.StartsWith('{'))
        {
            Dictionary<string, string> settings = Setting().Matches(text[1..^1]).ToDictionary(setting => setting.Groups["name"].Value, setting => Bare(setting.Groups["value"].Value));
            if (!settings.TryGetValue("name", out name) || !settings.TryGetValue("src", out fields))
                return null;
            kind = settings.GetValueOrDefault("type", kind);
            keys = settings.GetValueOrDefault("key");
        }
        else
        {
            string[] parts = text.Split(':');
            if (parts.Length is < 2 or > 3)
                return null;
            name = parts[0];
            fields = parts[^1];
            Match typed = KindWithKeys().Match(parts.Length == 3 ? parts[1] : kind);
            kind = typed.Groups[1].Value;
            keys = typed.Groups[2].Success ? typed.Groups[2].Value : null;
        }
        TextLoader.Range[] ranges = [.. fields.Split(',').Select(RangeOrNull)];
        if (string.IsNullOrWhiteSpace(name) || TextKinds.Parse(kind) is not DataKind known || ranges.Contains(null))
            return null;
        KeyCount count = keys is null ? null : keys.Length == 0 ? new KeyCount() : new KeyCount(ulong.Parse(keys, CultureInfo.InvariantCulture));
        return new TextLoader.Column(name, known, ranges, count);
    }

    /// <summary>3, 3-5, 3-*, 3-**, 3~5, ~.</summary>
    private static TextLoader.Range RangeOrNull(string text)
    {
        if (text == " min=-1")
            return new TextLoader.Range { Min = -1 };
        Match match = RangeForm().Match(text);
        if (!match.Success || (match.Groups["first"].Length == 0 && match.Groups["dash"].Value != "~"))
            return null;
        int first = match.Groups["first"].Length == 0 ? 0 : int.Parse(match.Groups["first"].Value, CultureInfo.InvariantCulture);
        if (!match.Groups["dash"].Success)
            return new TextLoader.Range(first);
        string last = match.Groups["last"].Value;
        return new TextLoader.Range
        {
            Min = first,
            Max = last is "" or "*" or "**" ? null : int.Parse(last, CultureInfo.InvariantCulture),
            AutoEnd = last is "" or "*",
            VariableEnd = last is "**",
            AllOther = match.Groups["dash"].Value == "~",
            ForceVector = true,
        };
    }

    private static string Bare(string value) => value.StartsWith('{') ? value[1..^1] : value;

    private static string NameOf(char separator) => separator switch
    {
        ' ' => "space",
        '\t' => "tab",
        ',' => "comma",
        ';' => "semicolon",
        '|' => "bar",
        _ => separator.ToString(),
    };

    private static IEnumerable<char> SeparatorsOf(string names) => names == "," ? [','] : names.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(name => name.ToLowerInvariant() switch
    {
        "space" => ' ',
        "tab" => '\t',
        "comma" => ',',
        "colon" => ':',
        "semicolon" => ';',
        "bar" => '|',
        _ => name[0],
    });

    [GeneratedRegex(@"^\s*Text(?:Loader)?\s*\{(.*)\}\s*$", RegexOptions.Singleline | RegexOptions.IgnoreCase)]
    private static partial Regex Whole();

    [GeneratedRegex(@"(?<name>\w+)=(?<value>\{(?>[^{}]|\{[^{}]*\})*\}|\S+)|(?<flag>\w+)(?<sign>[+-])")]
    private static partial Regex Setting();

    [GeneratedRegex(@"^(\w+)(?:\[(\d*)\])?$")]
    private static partial Regex KindWithKeys();

    [GeneratedRegex(@"^(?<first>\d*)(?:(?<dash>[-~])(?<last>\d+|\*{0,2}))?$")]
    private static partial Regex RangeForm();
}
