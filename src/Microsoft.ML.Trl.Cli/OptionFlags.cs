using System.CommandLine;
using System.CommandLine.Parsing;
using System.Reflection;

namespace Microsoft.ML.Trl.Cli;

using Command = System.CommandLine.Command; // in here the name is that of a namespace of ML.NET

/// <summary>
/// The flags of an options record, one for each property, in snake case as TRL has them: a property that is added to the record is a flag
/// without another line. The records in it have theirs behind the name of the property, but for adapters, whose are TRL's. What no words
/// can say has no flag: a constraint, a sampler of lengths, lists of lists.
/// </summary>
/// <typeparam name="TOptions">The record.</typeparam>
internal sealed class OptionFlags<TOptions>
    where TOptions : TrainingOptions, new()
{
    private const string UsePeft = "use_peft", Lora = "lora_";

    private readonly List<Flag> _flags = [];
    private readonly BitFlags _bits = new();
    private readonly Option<bool> _usesPeft = new("--" + UsePeft) { Description = "Train an adapter in the place of the weights." };

    public OptionFlags()
    {
        foreach (PropertyInfo property in Settable(typeof(TOptions)))
            if (property.Name == nameof(TrainingOptions.Peft))
                AddAll([property], typeof(LoraOptions), LoraName);
            else if (IsRecord(property.PropertyType, out Type record))
                AddAll([property], record, name => $"{Names.Snake(property.Name)}_{name}");
            else if (FlagValue.IsKnown(property.PropertyType))
                _flags.Add(new Flag([property], Names.Snake(property.Name)));
    }

    /// <summary>Names of all flags, without the dashes.</summary>
    public IEnumerable<string> FlagNames => [.. _flags.Select(flag => flag.Name), UsePeft, .. BitFlags.Names];

    /// <summary>Gives a command the flags.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_usesPeft);
        _bits.AddTo(command);
        foreach (Flag flag in _flags)
            command.Options.Add(flag.Option);
    }

    /// <summary>The options that were given; the others have their defaults.</summary>
    /// <exception cref="ArgumentException">A value is none of its flag; the message says what is allowed.</exception>
    public TOptions Read(ParseResult parsed)
    {
        var options = new TOptions();
        if (parsed.GetValue(_usesPeft))
            Set(options, nameof(TrainingOptions.Peft), LoraOptions.TrlDefaults with { });
        foreach (Flag flag in _flags)
            if (parsed.GetResult(flag.Option) is { Implicit: false } given)
                Apply(options, flag, [.. given.Tokens.Select(token => token.Value)]);
        if (_bits.Read(parsed) is { } quantization)
            Set(options, nameof(TrainingOptions.BaseQuantization), quantization);
        return options;
    }

    private static void Apply(TOptions options, Flag flag, string[] given)
    {
        object owner = options;
        foreach (PropertyInfo outer in flag.Path[..^1])
        {
            object? inner = outer.GetValue(owner);
            if (inner is null && outer.Name == nameof(TrainingOptions.Peft))
                throw new ArgumentException($"--{flag.Name} belongs to an adapter; give --{UsePeft} too.");
            if (inner is null)
                outer.SetValue(owner, inner = Activator.CreateInstance(Names.Bare(outer.PropertyType))!);
            owner = inner;
        }
        PropertyInfo property = flag.Path[^1];
        property.SetValue(owner, FlagValue.Of(flag.Name, property.PropertyType, given));
    }

    private void AddAll(PropertyInfo[] path, Type record, Func<string, string> name)
    {
        foreach (PropertyInfo property in Settable(record))
            if (FlagValue.IsKnown(property.PropertyType))
                _flags.Add(new Flag([.. path, property], name(Names.Snake(property.Name))));
    }

    private static string LoraName(string name) =>
        name.StartsWith("lora", StringComparison.Ordinal) || name.StartsWith("use_", StringComparison.Ordinal) ? name : Lora + name;

    private static IEnumerable<PropertyInfo> Settable(Type record) =>
        record.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.SetMethod is { IsPublic: true });

    /// <summary>Whether a property holds a record whose properties are set one by one.</summary>
    private static bool IsRecord(Type type, out Type record)
    {
        record = Names.Bare(type);
        return !FlagValue.IsKnown(type) && record.GetConstructor(Type.EmptyTypes) is not null;
    }

    private static void Set(TOptions options, string property, object value) =>
        typeof(TOptions).GetProperty(property)!.SetValue(options, value);

    /// <summary>A flag and the way to its property.</summary>
    private sealed class Flag
    {
        public Flag(PropertyInfo[] path, string name)
        {
            (Path, Name) = (path, name);
            Type type = path[^1].PropertyType;
            Option = new Option<string[]>("--" + name, "--" + name.Replace('_', '-'))
            {
                Description = FlagValue.Allowed(type),
                Arity = FlagValue.IsList(type) ? ArgumentArity.OneOrMore
                    : Names.Bare(type) == typeof(bool) ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne,
                AllowMultipleArgumentsPerToken = FlagValue.IsList(type),
                CustomParser = words => [.. words.Tokens.Select(word => word.Value)], // which fits the property, FlagValue says
            };
        }

        public PropertyInfo[] Path { get; }

        public string Name { get; }

        public Option<string[]> Option { get; }
    }
}
