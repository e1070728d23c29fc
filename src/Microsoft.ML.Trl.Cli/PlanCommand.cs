using System.CommandLine;
using System.Text.Json;
using Spectre.Console;

namespace Microsoft.ML.Trl.Cli;

using Command = System.CommandLine.Command; // in here the name is that of a namespace of ML.NET

/// <summary><c>trl plan METHOD</c>: what a run would take, with the flags of that run.</summary>
internal static class PlanCommand
{
    /// <summary>The command, with one below it for each method.</summary>
    public static Command Create(IAnsiConsole console)
    {
        var plan = new Command("plan", "Memory and time of a run, before it begins.");
        foreach (Command method in FromData(console).Concat(FromSamples(console)).Concat(FromTeachers(console)))
            plan.Subcommands.Add(method);
        return plan;
    }

    private static IEnumerable<Command> FromData(IAnsiConsole console) =>
    [
        Of<SftOptions>("sft", "Supervised fine-tuning.", console, (trl, options, model) => trl.Plan(options, model)),
        Of<RewardOptions>("reward", "A reward model.", console, (trl, options, model) => trl.Plan(options, model)),
        Of<DpoOptions>("dpo", "Direct preference optimisation.", console, (trl, options, model) => trl.Plan(options, model)),
        Of<KtoOptions>("kto", "Kahneman-Tversky optimisation.", console, (trl, options, model) => trl.Plan(options, model)),
        Of<BcoOptions>("bco", "Binary classifier optimisation.", console, (trl, options, model) => trl.Plan(options, model)),
        Of<CpoOptions>("cpo", "Contrastive preference optimisation, SimPO.", console, (trl, options, model) => trl.Plan(options, model)),
        Of<OrpoOptions>("orpo", "Odds ratio preference optimisation.", console, (trl, options, model) => trl.Plan(options, model)),
        Of<PrmOptions>("prm", "A process reward model.", console, (trl, options, model) => trl.Plan(options, model)),
        Of<TextClassificationOptions>("classification", "A text classifier.", console, (trl, options, model) => trl.Plan(options, model)),
    ];

    private static IEnumerable<Command> FromSamples(IAnsiConsole console) =>
    [
        Of<PpoOptions>("ppo", "Proximal policy optimisation.", console, (trl, options, model) => trl.Plan(options, model)),
        Of<GrpoOptions>("grpo", "Group relative policy optimisation.", console, (trl, options, model) => trl.Plan(options, model)),
        Of<RlooOptions>("rloo", "REINFORCE with a leave-one-out baseline.", console, (trl, options, model) => trl.Plan(options, model)),
        Of<OnlineDpoOptions>(
            "online-dpo", "DPO of answers that the policy writes.", console, (trl, options, model) => trl.Plan(options, model)),
        Of<XpoOptions>("xpo", "Exploratory preference optimisation.", console, (trl, options, model) => trl.Plan(options, model)),
        Of<NashMdOptions>("nash-md", "Nash mirror descent.", console, (trl, options, model) => trl.Plan(options, model)),
        Of<RaftOptions>("raft", "Reward-ranked fine-tuning.", console, (trl, options, model) => trl.Plan(options, model)),
    ];

    private static IEnumerable<Command> FromTeachers(IAnsiConsole console) =>
    [
        Of<DistillOptions>(
            "distill", "Distillation of logits.", console, (trl, options, model, teacher) => trl.Plan(options, model, teacher)),
        Of<GkdOptions>(
            "gkd", "Generalized knowledge distillation.", console, (trl, options, model, teacher) => trl.Plan(options, model, teacher)),
        Of<MiniLlmOptions>(
            "minillm", "Distillation by the reverse KL.", console, (trl, options, model, teacher) => trl.Plan(options, model, teacher)),
    ];

    private static Command Of<TOptions>(
        string name, string description, IAnsiConsole console, Func<TrlCatalog, TOptions, ModelSource, TrainingPlan> make)
        where TOptions : TrainingOptions, new() =>
        Of<TOptions>(name, description, [], console, (trl, options, models) => make(trl, options, models[0]));

    private static Command Of<TOptions>(
        string name, string description, IAnsiConsole console, Func<TrlCatalog, TOptions, ModelSource, ModelSource, TrainingPlan> make)
        where TOptions : TrainingOptions, new() =>
        Of<TOptions>(
            name, description, [Folder("teacher_model_name_or_path", "Folder of the teacher on this machine.")], console,
            (trl, options, models) => make(trl, options, models[0], models[1]));

    private static Command Of<TOptions>(
        string name, string description, Option<string>[] others, IAnsiConsole console,
        Func<TrlCatalog, TOptions, ModelSource[], TrainingPlan> make)
        where TOptions : TrainingOptions, new()
    {
        Option<string>[] models = [Folder("model_name_or_path", "Folder of the model on this machine."), .. others];
        var json = new Option<bool>("--json") { Description = "Write the plan as JSON." };
        var flags = new OptionFlags<TOptions>();
        var command = new Command(name, description) { json };
        foreach (Option<string> model in models)
            command.Options.Add(model);
        flags.AddTo(command);
        command.SetAction(parsed =>
        {
            ModelSource[] sources = [.. models.Select(model => ModelSource.Folder(parsed.GetValue(model)!))];
            TrainingPlan plan = make(new MLContext().Trl(), flags.Read(parsed), sources);
            if (parsed.GetValue(json))
                console.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(plan, PlanTable.Json));
            else
                PlanTable.Write(plan, console);
            return TrlCommandLine.Success;
        });
        return command;
    }

    private static Option<string> Folder(string name, string description) =>
        new("--" + name, "--" + name.Replace('_', '-')) { Description = description, Required = true };
}
