package org.phantom4j.examples;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.ArchConfiguration;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Dependencies point one way: examples → layers → ops → comm. Backends are found by name, not referred to. */
class DependencyDirectionTest {

    private static JavaClasses classes;

    @BeforeAll
    static void readOurClasses() {
        // what is outside of this project counts by its name
        ArchConfiguration.get().setResolveMissingDependenciesFromClassPath(false);
        classes = new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .withImportOption(location -> !location.contains("/test/"))
                .importPackages("org.phantom4j");
    }

    @Test
    void everyModuleIsLookedAt() {
        for (String module : List.of("comm", "ops", "layers", "cli", "examples")) {
            assertTrue(classes.containPackage("org.phantom4j." + module), module);
        }
    }

    private static final String[] BACKENDS = {
        "org.nd4j.linalg.cpu..",
        "org.nd4j.linalg.jcublas..",
        "org.nd4j.jita..",
        "org.nd4j.nativeblas..",
        "org.bytedeco.."
    };

    @Test
    void modulesPointOneWay() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("comm")
                .definedBy("org.phantom4j.comm..")
                .layer("ops")
                .definedBy("org.phantom4j.ops..")
                .layer("layers")
                .definedBy("org.phantom4j.layers..")
                .layer("examples")
                .definedBy("org.phantom4j.examples..", "org.phantom4j.cli..", "org.phantom4j.data..")
                .whereLayer("examples")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("layers")
                .mayOnlyBeAccessedByLayers("examples")
                .whereLayer("ops")
                .mayOnlyBeAccessedByLayers("layers", "examples")
                .whereLayer("comm")
                .mayOnlyBeAccessedByLayers("ops", "layers", "examples")
                .check(classes);
    }

    @Test
    void onlyTheBackendsPlacesKnowBackends() {
        noClasses()
                .that()
                .resideOutsideOfPackages(
                        "org.phantom4j.examples..",
                        "org.phantom4j.cli..",
                        "org.phantom4j.ops.backend..",
                        "org.phantom4j.ops.cuda..",
                        "org.phantom4j.comm.nccl..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(BACKENDS)
                .because("which backend computes is decided on the class path")
                .check(classes);
    }

    @Test
    void lowerModulesDoNotKnowDeeplearning4j() {
        noClasses()
                .that()
                .resideInAnyPackage("org.phantom4j.comm..", "org.phantom4j.ops..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.deeplearning4j..")
                .check(classes);
    }

    @Test
    void modulesHaveNoCycles() {
        slices().matching("org.phantom4j.(*)..").should().beFreeOfCycles().check(classes);
    }

    @Test
    void roomsOfTheCommandLineHaveNoCycles() {
        slices().matching("org.phantom4j.cli.(*)..").should().beFreeOfCycles().check(classes);
    }

    /** The main class knows all commands; a command knows its own room, the frame, how ranks are launched and GPUs. */
    @Test
    void commandsDoNotKnowTheMainClass() {
        noClasses()
                .that()
                .resideInAPackage("org.phantom4j.cli.*..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.phantom4j.cli")
                .check(classes);
    }

    @Test
    void examplesStandOnTheLibraryAlone() {
        noClasses()
                .that()
                .resideInAPackage("org.phantom4j.examples")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.phantom4j.cli..")
                .check(classes);
    }

    /** A program can use data without the command line. */
    @Test
    void dataStandsOnTheLibraryAlone() {
        noClasses()
                .that()
                .resideInAPackage("org.phantom4j.data..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.phantom4j.cli..", "org.phantom4j.examples..", "org.apache.commons.cli..")
                .check(classes);
    }
}
