using System.CommandLine;
using System.CommandLine.Parsing;

namespace Microsoft.ML.Trl.Cli;

using Command = System.CommandLine.Command; // in here the name is that of a namespace of ML.NET

/// <summary>TRL's flags for <see cref="TrainingOptions.BaseQuantization"/>.</summary>
internal sealed class BitFlags
{
    private const string Eight = "load_in_8bit", Four = "load_in_4bit", Nested = "use_bnb_nested_quant", Type = "bnb_4bit_quant_type";

    private readonly Option<bool> _eight = Named<bool>(Eight, "Weights of 8 bits beside the adapter.");
    private readonly Option<bool> _four = Named<bool>(Four, "Weights of 4 bits beside the adapter.");
    private readonly Option<bool> _nested = Named<bool>(Nested, "The scales of the 4 bits are quantized, too.");
    private readonly Option<string?> _type = Named<string?>(Type, "nf4.");

    /// <summary>Without the dashes.</summary>
    public static IEnumerable<string> Names => [Eight, Four, Nested, Type];

    /// <summary>Gives a command the flags.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _eight, _four, _nested, _type })
            command.Options.Add(option);
    }

    /// <summary>How weights are to be held; null = nothing was said.</summary>
    /// <exception cref="ArgumentException">The flags contradict each other, or name what there is not.</exception>
    public WeightQuantization? Read(ParseResult parsed)
    {
        (bool eight, bool four, bool nested) = (parsed.GetValue(_eight), parsed.GetValue(_four), parsed.GetValue(_nested));
        if (eight && four)
            throw new ArgumentException($"--{Eight} and --{Four} contradict each other; give one of them.");
        if (parsed.GetValue(_type) is { } type && type != "nf4")
            throw new ArgumentException(
                $"--{Type} is '{type}'; allowed is nf4. For 4 bits with a scale for every 32 inputs give --base_quantization int4.");
        if (!four && (nested || parsed.GetValue(_type) is not null))
            throw new ArgumentException($"--{(nested ? Nested : Type)} belongs to weights of 4 bits; give --{Four} too.");
        return eight ? WeightQuantization.Int8 : !four ? null : nested ? WeightQuantization.Nf4Nested : WeightQuantization.Nf4;
    }

    private static Option<T> Named<T>(string name, string description) =>
        new("--" + name, "--" + name.Replace('_', '-')) { Description = description };
}
